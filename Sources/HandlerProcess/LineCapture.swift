import Glibc
import HandlerWire

/// Cuts what a process writes into lines.
///
/// A line that a plugin logged under its request begins as one of Lambda's own loggers would begin it.
struct LineCapture {
    /// Longest line that is kept; the rest of it is dropped.
    static let maximumLineBytes = 64 << 10
    private static let cutMark = Array(" … (cut)".utf8)
    private static let newline = UInt8(ascii: "\n")

    private var partial: [UInt8] = []
    /// The rest of the line is dropped until its end.
    private var isCut = false

    /// Takes what was read.
    ///
    /// - Returns: The lines that are complete, each with its newline.
    mutating func append(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        var lines: [UInt8] = []
        var rest = bytes
        while let end = Self.lineEnd(in: rest) {
            keep(rest[..<end])
            finishLine(&lines)
            rest = UnsafeRawBufferPointer(rebasing: rest[(end + 1)...])
        }
        keep(rest[...])
        return lines
    }

    /// The last line, when the process ended without ending it.
    mutating func finish() -> [UInt8] {
        var lines: [UInt8] = []
        if !partial.isEmpty { finishLine(&lines) }
        return lines
    }

    /// Where the next newline is: `memchr`, because a handler may write hundreds of megabytes.
    private static func lineEnd(in bytes: UnsafeRawBufferPointer) -> Int? {
        guard let base = bytes.baseAddress else { return nil }
        return memchr(base, Int32(newline), bytes.count).map { UnsafeRawPointer($0) - base }
    }

    private mutating func keep(_ bytes: Slice<UnsafeRawBufferPointer>) {
        let room = Self.maximumLineBytes - partial.count
        partial += UnsafeRawBufferPointer(rebasing: bytes.prefix(room))
        if bytes.count > room { isCut = true }
    }

    private mutating func finishLine(_ lines: inout [UInt8]) {
        partial.withUnsafeBytes { line in
            guard let tag = TaggedLine.tag(of: line) else { return lines += line }
            let time = UTCTime.precise(UTCTime.milliseconds())
            lines += "[INFO]\t\(time)\t\(tag.requestID)\t".utf8
            lines += line[tag.textStart...]
        }
        if isCut { lines += Self.cutMark }
        lines.append(Self.newline)
        partial.removeAll(keepingCapacity: true)
        isCut = false
    }
}
