import FileLocking
import Foundation
import Glibc

/// Lets the processes that write to one function's log take turns.
///
/// The file `turn` beside the segments is locked for each chunk. It counts the chunks, so that whoever finds the count
/// where it left it knows the files as they are, and hands out the numbers of streams.
final class LogTurn: Sendable {
    struct Counts: Equatable {
        /// Chunks that were written.
        var chunks: UInt64
        /// Streams that were opened; the number of the last one.
        var streams: UInt64
    }

    private static let fileName = "turn"
    private static let bytes = MemoryLayout<Counts>.size
    /// A process that was stopped in the middle of its turn holds up the others no longer.
    private static let longestWait = Duration.seconds(1)

    private let descriptor: Int32

    /// Creates the folder and the file when missing.
    init(in directory: String) throws {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        descriptor = Glibc.open("\(directory)/\(Self.fileName)", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Self.error() }
    }

    deinit {
        close(descriptor)
    }

    /// Whether any process has ever had a turn in this folder.
    static func exists(in directory: String) -> Bool { access("\(directory)/\(fileName)", F_OK) == 0 }

    /// Runs `body` while no other process has its turn, and keeps what it makes of the counts.
    func take<Value>(_ body: (inout Counts) throws -> Value) throws -> Value {
        let refusal = FileLock.take(descriptor, within: Self.longestWait)
        guard refusal == 0 else { throw POSIXError(POSIXErrorCode(rawValue: refusal) ?? .EIO) }
        defer { FileLock.release(descriptor) }
        var counts = Counts(chunks: 0, streams: 0)
        // A file that is shorter is new.
        let length = withUnsafeMutableBytes(of: &counts) { pread(descriptor, $0.baseAddress, Self.bytes, 0) }
        guard length >= 0 else { throw Self.error() }
        let before = counts
        defer {
            if counts != before {
                // What cannot be written makes others read the files anew: nothing more.
                _ = withUnsafeBytes(of: counts) { pwrite(descriptor, $0.baseAddress, Self.bytes, 0) }
            }
        }
        return try body(&counts)
    }

    private static func error() -> POSIXError { POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
}
