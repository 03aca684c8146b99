import Foundation
import TestSupport

/// Runs `store-peer` beside the tests: another process on the same data directory.
struct StorePeer {
    let process = Process()
    private let input = Pipe.toChild()

    /// - Parameter output: Where its lines go; several peers may share it.
    init(_ arguments: [String], output: FileHandle) throws {
        process.executableURL = try Self.executable()
        process.arguments = arguments
        process.standardInput = input
        process.standardOutput = output
        try process.start()
    }

    /// Starts a writing peer.
    func begin() throws {
        try input.fileHandleForWriting.write(contentsOf: Data("begin\n".utf8))
    }

    /// Starts a renewing peer, ends a writing or holding one.
    func closeInput() throws {
        try input.fileHandleForWriting.close()
    }

    private static func executable() throws -> URL {
        let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return URL(fileURLWithPath: tests).deletingLastPathComponent().appendingPathComponent("store-peer")
    }
}

/// The lines that peers write into one pipe, in the order they were written.
struct PeerLines {
    private let pipe = Pipe.toChild()
    private var rest = Data()

    /// What peers write to; close it once all of them run, so that their end is seen.
    var input: FileHandle { pipe.fileHandleForWriting }

    /// - Returns: `nil` when every writer has closed the pipe.
    mutating func next() async throws -> String? {
        while true {
            if let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                defer { rest = Data(rest[(end + 1)...]) }
                return String(decoding: rest[..<end], as: UTF8.self)
            }
            let chunk = try await onOwnThread { [pipe] in pipe.fileHandleForReading.availableData }
            guard !chunk.isEmpty else { return nil }
            rest += chunk
        }
    }
}
