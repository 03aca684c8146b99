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
