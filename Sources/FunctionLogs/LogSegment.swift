import Foundation
import Glibc
import StreamCore

/// One file of a function's log: text, in order of time but for `LogSegment.disorder`.
///
/// A line is `@` and the milliseconds at which the lines after it were written down; `=`, a number and the name of a
/// stream; or a stream's number, the event's milliseconds and its message, with a space between each.
struct LogSegment: Sendable {
    static let newline = UInt8(ascii: "\n")
    static let space = UInt8(ascii: " ")
    private static let suffix = ".log"

    /// Several processes write to one log, each what it has gathered: this many milliseconds a line may come late.
    static let disorder: Int64 = 1000

    /// The time of its first event in milliseconds, which is also its name.
    let start: Int64
    let path: String
    var bytes: Int

    private init(start: Int64, directory: String, bytes: Int) {
        self.start = start
        // As many digits for each, so that a listing is in order.
        let digits = String(start)
        path =
            "\(directory)/\(String(repeating: "0", count: max(0, 15 - digits.count)))\(digits)\(Self.suffix)"
        self.bytes = bytes
    }

    init(first timestamp: Timestamp, directory: String) {
        self.init(start: timestamp.milliseconds, directory: directory, bytes: 0)
    }

    init(after segment: LogSegment, at timestamp: Timestamp, directory: String) {
        self.init(start: max(timestamp.milliseconds, segment.start + 1), directory: directory, bytes: 0)
    }

    /// Oldest first.
    static func all(in directory: String) -> [LogSegment] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        return names.compactMap { name -> LogSegment? in
            guard name.hasSuffix(suffix), let start = Int64(name.dropLast(suffix.count)) else { return nil }
            var segment = LogSegment(start: start, directory: directory, bytes: 0)
            let size = try? FileManager.default.attributesOfItem(atPath: segment.path)[.size] as? Int
            segment.bytes = size ?? 0
            return segment
        }.sorted { $0.start < $1.start }
    }

    /// Where the next newline is: `memchr`, because a handler may write hundreds of megabytes.
    static func lineEnd(in bytes: Slice<UnsafeRawBufferPointer>) -> Int? {
        let part = UnsafeRawBufferPointer(rebasing: bytes)
        guard let base = part.baseAddress else { return nil }
        return memchr(base, Int32(newline), part.count).map {
            bytes.startIndex + (UnsafeRawPointer($0) - base)
        }
    }

    // MARK: - Reading

    /// An event where it lies.
    struct Line {
        let stream: String
        let timestamp: Timestamp
        let ingestion: Timestamp
        let message: UnsafeRawBufferPointer
        let offset: Int
        let end: Int
    }

    /// Calls `body` with each event of a query, until it answers `false`.
    func forEach(_ query: LogQuery, _ body: (LogEvent) -> Bool) {
        forEachLine { line in
            guard line.timestamp >= query.start, line.timestamp < query.end,
                query.streams.contains(line.stream),
                query.filter.matches(line.message)
            else { return true }
            return body(
                LogEvent(
                    stream: line.stream,
                    timestamp: line.timestamp,
                    ingestion: line.ingestion,
                    message: String(decoding: line.message, as: UTF8.self),
                    position: LogPosition(segment: start, offset: line.offset),
                    end: LogPosition(segment: start, offset: line.end)
                )
            )
        }
    }

    func forEachLine(_ body: (Line) -> Bool) {
        var names: [Int: String] = [:]
        var ingestion = Timestamp(milliseconds: start)
        read { offset, line, end in
            switch line.first {
            case UInt8(ascii: "@"):
                ingestion = Timestamp(milliseconds: Int64(Self.number(line.dropFirst())?.value ?? 0))
            case UInt8(ascii: "="):
                guard let number = Self.number(line.dropFirst()) else { break }
                names[number.value] = String(decoding: number.rest, as: UTF8.self)
            default:
                guard let number = Self.number(line), let time = Self.number(number.rest),
                    let stream = names[number.value]
                else { break }
                return body(
                    Line(
                        stream: stream,
                        timestamp: Timestamp(milliseconds: Int64(time.value)),
                        ingestion: ingestion,
                        message: UnsafeRawBufferPointer(rebasing: time.rest),
                        offset: offset,
                        end: end
                    )
                )
            }
            return true
        }
    }

    /// Whether nothing is torn at its end.
    var endsWithNewline: Bool {
        guard bytes > 0, let handle = FileHandle(forReadingAtPath: path) else { return true }
        defer { try? handle.close() }
        guard (try? handle.seek(toOffset: UInt64(bytes - 1))) != nil else { return true }
        return (try? handle.read(upToCount: 1))?.first == Self.newline
    }

    /// What a writer that goes on has to know.
    func scan() -> (lastTimestamp: Timestamp, lastStream: Int, validBytes: Int) {
        var last = Timestamp(milliseconds: start)
        var lastStream = 0
        var validBytes = 0
        read { _, line, end in
            validBytes = end
            if line.first == UInt8(ascii: "=") {
                lastStream = max(lastStream, Self.number(line.dropFirst())?.value ?? 0)
            } else if let number = Self.number(line), let time = Self.number(number.rest) {
                last = max(last, Timestamp(milliseconds: Int64(time.value)))
            }
            return true
        }
        return (last, lastStream, validBytes)
    }

    /// Calls `body` with each whole line, until it answers `false`.
    private func read(_ body: (_ offset: Int, _ line: Slice<UnsafeRawBufferPointer>, _ end: Int) -> Bool) {
        // A file that has been removed meanwhile has nothing to say.
        guard bytes > 0, let data = try? Data(contentsOf: URL(fileURLWithPath: path)) else { return }
        data.withUnsafeBytes { bytes in
            var rest = bytes[..<min(bytes.count, self.bytes)]
            while let end = Self.lineEnd(in: rest) {
                guard body(rest.startIndex, rest[..<end], end + 1) else { return }
                rest = rest[(end + 1)...]
            }
        }
    }

    /// The number at the beginning, and what follows the space after it.
    private static func number(
        _ bytes: Slice<UnsafeRawBufferPointer>
    ) -> (value: Int, rest: Slice<UnsafeRawBufferPointer>)? {
        var value = 0
        var index = bytes.startIndex
        while index < bytes.endIndex, 48...57 ~= bytes[index], index - bytes.startIndex < 18 {
            value = 10 * value + Int(bytes[index] - 48)
            index += 1
        }
        guard index > bytes.startIndex, index == bytes.endIndex || bytes[index] == space else { return nil }
        return (value, bytes[min(index + 1, bytes.endIndex)...])
    }
}
