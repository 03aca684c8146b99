import Foundation
import TestSupport
import Testing

@testable import millrace

struct WorkerFolderTests {
    @Test func `a folder is there until it is removed, whoever starts meanwhile`() async throws {
        try await withTemporaryDirectory { parent in
            let first = try WorkerFolder(in: parent)
            let second = try WorkerFolder(in: parent)
            #expect(try FileManager.default.contentsOfDirectory(atPath: parent).count == 2)

            first.remove()

            #expect(try FileManager.default.contentsOfDirectory(atPath: parent) == [second.name])
            withExtendedLifetime(second) {}
        }
    }

    @Test func `a folder that only has such a name stays`() async throws {
        try await withTemporaryDirectory { parent in
            let data = parent + "/millrace-worker-a"
            try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)

            let folder = try WorkerFolder(in: parent)

            #expect(FileManager.default.fileExists(atPath: data))
            withExtendedLifetime(folder) {}
        }
    }

    @Test func `what a killed worker left behind goes with the next start`() async throws {
        try await withTemporaryDirectory { parent in
            // Its lock goes with the process, and it is not removed.
            let left = try WorkerFolder(in: parent).path
            try FileManager.default.createDirectory(atPath: left + "/code", withIntermediateDirectories: true)
            try FileManager.default.createDirectory(
                atPath: parent + "/other",
                withIntermediateDirectories: true
            )

            let folder = try WorkerFolder(in: parent)

            let names = try FileManager.default.contentsOfDirectory(atPath: parent)
            #expect(Set(names) == [folder.name, "other"])
        }
    }

    @Test func `a place where none can be made is named`() {
        let failure = #expect(throws: CommandFailure.self) { try WorkerFolder(in: "/nonexistent") }

        let message = failure?.messages.first ?? ""
        #expect(message.contains("/nonexistent"))
    }
}

extension WorkerFolder {
    fileprivate var name: String { URL(fileURLWithPath: path).lastPathComponent }
}
