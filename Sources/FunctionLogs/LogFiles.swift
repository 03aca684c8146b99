import Foundation
import Glibc
import StreamCore

/// The files of one function's log: the newest is appended to, the oldest go when there is too much.
struct LogFiles {
    /// Oldest first; the last one is written to.
    private(set) var segments: [LogSegment]
    private let directory: String
    private let limits: FunctionLogs.Limits
    private var file: Descriptor?
    /// The streams whose names the last file has already.
    private var declared: Set<Int> = []
    /// The last file has bytes at its end that are no whole lines and could not be removed.
    private var isTorn = false

    /// Finds what earlier runs have left, and goes on behind it.
    ///
    /// - Returns: With the time of the newest event, and the highest number of a stream: they count from there.
    static func open(
        in directory: String,
        limits: FunctionLogs.Limits
    ) -> (files: LogFiles, last: Timestamp, lastStream: Int) {
        var files = LogFiles(directory: directory, limits: limits)
        guard let newest = files.segments.last else { return (files, Timestamp(milliseconds: 0), 0) }
        let scan = newest.scan()
        files.segments[files.segments.count - 1].bytes = scan.validBytes
        // A kill may have torn the last line; nothing must be glued to it.
        files.isTorn = scan.validBytes < newest.bytes && truncate(newest.path, scan.validBytes) != 0
        return (files, scan.lastTimestamp, scan.lastStream)
    }

    private init(directory: String, limits: FunctionLogs.Limits) {
        self.directory = directory
        self.limits = limits
        segments = LogSegment.all(in: directory)
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
