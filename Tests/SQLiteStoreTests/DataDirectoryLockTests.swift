import Foundation
import SQLiteStore
import TestSupport
import Testing

struct DataDirectoryLockTests {
    @Test func `nobody holds a data directory that does not exist`() async throws {
        try await withTemporaryDirectory { directory in
            let holder = try DataDirectoryLock.holder(of: "\(directory)/none")

            #expect(holder == nil)
        }
    }

    @Test func `the holder is known before and after it listens, and gone with the lock`() async throws {
        try await withTemporaryDirectory { directory in
            let data = "\(directory)/new/data"
            var lock: DataDirectoryLock? = try DataDirectoryLock(directory: data)

            let starting = try #require(try DataDirectoryLock.holder(of: data))
            try lock?.publish(address: "http://127.0.0.1:65535/with/a/longer/text")
            try lock?.publish(address: "http://127.0.0.1:1")
            let listening = try #require(try DataDirectoryLock.holder(of: data))
            lock = nil

            #expect(starting.processID == getpid())
            #expect(starting.address == nil)
            #expect(listening.address == "http://127.0.0.1:1")
            #expect(try DataDirectoryLock.holder(of: data) == nil)
        }
    }

    @Test func `the lock is free at once though a child that has not come to its exec has the file open`()
        async throws
    {
        try await withTemporaryDirectory { directory in
            var lock: DataDirectoryLock? = try DataDirectoryLock(directory: directory)
            let inherited = try duplicates(of: "\(directory)/\(DataDirectoryLock.fileName)")
            defer { for descriptor in inherited { close(descriptor) } }
            try #require(inherited.count == 1)
            #expect(try DataDirectoryLock.holder(of: directory) != nil)

            withExtendedLifetime(lock) {}
            lock = nil

            #expect(try DataDirectoryLock.holder(of: directory) == nil)
            _ = try DataDirectoryLock(directory: directory)
        }
    }

    /// What a child has of the descriptors of a file that this process has open.
    private func duplicates(of path: String) throws -> [Int32] {
        let folder = "/proc/self/fd"
        return try FileManager.default.contentsOfDirectory(atPath: folder)
            .filter { name in
                let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\(name)")
                return target == path
            }
            .compactMap { Int32($0) }
            .map { dup($0) }
    }

    @Test func `a data directory that is a file is refused by name`() async throws {
        try await withTemporaryDirectory { directory in
            let file = "\(directory)/file"
            try Data().write(to: URL(fileURLWithPath: file))

            let failure = #expect(throws: DataDirectoryUnusable.self) {
                try DataDirectoryLock(directory: file)
            }

            #expect("\(try #require(failure))".contains(file))
        }
    }
}
