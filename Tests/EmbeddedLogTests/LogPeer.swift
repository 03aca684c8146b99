import Foundation
import TestSupport

/// Another process with a log, see `log-peer`.
enum LogPeer {
    /// Waits until the peer has ended, in whichever way.
    ///
    /// - Returns: The lines it printed.
    static func run(_ arguments: [String]) async throws -> [String] {
        try await onOwnThread { try lines(arguments) }
    }

    private static func lines(_ arguments: [String]) throws -> [String] {
        let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let peer = Process()
        let output = Pipe.toChild()
        peer.executableURL = URL(fileURLWithPath: tests).deletingLastPathComponent()
            .appendingPathComponent("log-peer")
        peer.arguments = arguments
        peer.standardOutput = output
        try peer.start()
        let text = output.fileHandleForReading.readDataToEndOfFile()
        peer.waitUntilExit()
        return String(decoding: text, as: UTF8.self).split(separator: "\n").map(String.init)
    }
}
