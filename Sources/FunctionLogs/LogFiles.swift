import Foundation
import Glibc
import StreamCore

/// The files of one function's log: the newest is appended to, the oldest go when there is too much.
///
/// Several processes may write to it; each chunk is the turn of one.
struct LogFiles {
    /// Oldest first; the last one is written to.
    private(set) var segments: [LogSegment] = []
    private let directory: String
    private let limits: FunctionLogs.Limits
    private var turn: LogTurn?
    /// The chunks that were written when the files were last looked at; `nil` before the first look.
    private var seenChunks: UInt64?
    private var file: Descriptor?
    /// The streams whose names the last file has already.
    private var declared: Set<Int> = []
    /// The last file has bytes at its end that are no whole lines and could not be removed.
    private var isTorn = false

    init(directory: String, limits: FunctionLogs.Limits) {
        self.directory = directory
        self.limits = limits
    }

    /// Finds what earlier runs and other processes have written.
    mutating func look() throws {
        // Nothing is made in a folder that is only looked at.
        guard turn != nil || LogTurn.exists(in: directory) else { return lookAnew() }
        try withTurn { files, counts in files.look(counts) }
    }

    /// Of the newest event.
    func newestTime() -> Timestamp { segments.last?.scan().lastTimestamp ?? Timestamp(milliseconds: 0) }

    /// The number of a new stream, which no other process gives its own.
    mutating func nextStream() throws -> Int {
        try withTurn { files, counts in
            if counts.streams == 0 { counts.streams = UInt64(files.segments.last?.scan().lastStream ?? 0) }
            counts.streams += 1
            return Int(counts.streams)
        }
    }

    /// Appends whole lines, all or none.
    ///
    /// - Parameter first: When the first of them was printed.
    mutating func append(
        _ lines: [UInt8],
        first: Timestamp,
        streams: [Int: String],
        now: Timestamp
    ) throws {
        try withTurn { files, counts in
            files.look(counts)
            counts.chunks += 1
            // Also when the write fails: others are to look what has become of it.
            files.seenChunks = counts.chunks
            try files.write(lines, first: first, streams: streams, now: now)
        }
    }

    private mutating func withTurn<Value>(
        _ body: (inout LogFiles, inout LogTurn.Counts) throws -> Value
    ) throws -> Value {
        let turn = try turn ?? LogTurn(in: directory)
        self.turn = turn
        return try turn.take { counts in try body(&self, &counts) }
    }

    private mutating func look(_ counts: LogTurn.Counts) {
        guard counts.chunks != seenChunks else { return }
        seenChunks = counts.chunks
        lookAnew()
    }

    private mutating func lookAnew() {
        let before = segments.last
        segments = LogSegment.all(in: directory)
        isTorn = false
        if segments.last?.path != before?.path {
            file = nil
            declared = []
        }
        guard let newest = segments.last, !newest.endsWithNewline else { return }
        // A kill may have torn the last line; nothing must be glued to it.
        let validBytes = newest.scan().validBytes
        segments[segments.count - 1].bytes = validBytes
        isTorn = validBytes < newest.bytes && truncate(newest.path, validBytes) != 0
    }

    private mutating func write(
        _ lines: [UInt8],
        first: Timestamp,
        streams: [Int: String],
        now: Timestamp
    ) throws {
        if let newest = segments.last, isTorn || newest.bytes + lines.count > limits.segmentBytes {
            file = nil
            segments.append(LogSegment(after: newest, at: first, directory: directory))
            declared = []
            isTorn = false
            removeOldest(now: now)
        }
        if segments.isEmpty { segments = [LogSegment(first: first, directory: directory)] }
        let newest = segments.count - 1
        let file = try file ?? openFile(segments[newest].path)
        self.file = file

        var chunk = Array("@\(now.milliseconds)\n".utf8)
        let undeclared = streams.filter { !declared.contains($0.key) }
        for (number, name) in undeclared { chunk += "=\(number) \(name)\n".utf8 }
        chunk += lines
        do {
            try file.write(chunk)
        } catch {
            // A part may be there, on a disk that has just become full.
            isTorn = !file.truncate(to: segments[newest].bytes)
            self.file = nil
            throw error
        }
        declared.formUnion(undeclared.keys)
        segments[newest].bytes += chunk.count
    }

    private func openFile(_ path: String) throws -> Descriptor {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        return try Descriptor(appendingTo: path)
    }

    /// Removes what has grown too old, or is too much.
    mutating func removeOldest(now: Timestamp) {
        let oldest = now.milliseconds - limits.retention.components.seconds * 1000
        var total = segments.reduce(0) { $0 + $1.bytes }
        // A file is as old as the next one's beginning; the last one is in use.
        while segments.count > 1,
            total + limits.segmentBytes > limits.bytes || segments[1].start < oldest
        {
            total -= segments[0].bytes
            try? FileManager.default.removeItem(atPath: segments.removeFirst().path)
        }
    }
}

/// A file that is appended to, closed at the end of its life.
private final class Descriptor: Sendable {
    private let number: Int32

    init(appendingTo path: String) throws {
        number = Glibc.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard number >= 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
    }

    deinit {
        Glibc.close(number)
    }

    func write(_ bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { bytes in
            var written = 0
            while written < bytes.count {
                let length = Glibc.write(
                    number,
                    bytes.baseAddress.map { $0 + written },
                    bytes.count - written
                )
                guard length >= 0 || errno == EINTR else {
                    throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO)
                }
                written += max(0, length)
            }
        }
    }

    /// - Returns: Whether it worked.
    func truncate(to bytes: Int) -> Bool { ftruncate(number, bytes) == 0 }
}
