import Glibc
import HandlerWire

/// Cuts what a process writes into lines, and puts time and request ID in front of each.
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
    /// - Parameter requestID: What an untagged line belongs to.
    /// - Returns: The lines that are complete, as the log has them.
    mutating func append(_ bytes: UnsafeRawBufferPointer, time: String, requestID: String?) -> [UInt8] {
        var lines: [UInt8] = []
        var rest = bytes
        while let end = Self.lineEnd(in: rest) {
            keep(rest[..<end])
            finishLine(&lines, time, requestID)
            rest = UnsafeRawBufferPointer(rebasing: rest[(end + 1)...])
        }
        keep(rest[...])
        return lines
    }

    /// The last line, when the process ended without ending it.
    mutating func finish(time: String, requestID: String?) -> [UInt8] {
        var lines: [UInt8] = []
        if !partial.isEmpty { finishLine(&lines, time, requestID) }
        return lines
    }

    /// Where the next newline is: `memchr`, because a handler may write hundreds of megabytes.
    private static func lineEnd(in bytes: UnsafeRawBufferPointer) -> Int? {
        guard let base = bytes.baseAddress else { return nil }
        return memchr(base, Int32(newline), bytes.count).map { UnsafeRawPointer($0) - base }
    }

    private mutating func keep(_ bytes: Slice<UnsafeRawBufferPointer>) {
        let room = Self.maximumLineBytes - partial.count
        partial += bytes.prefix(room)
        if bytes.count > room { isCut = true }
    }

    private mutating func finishLine(_ lines: inout [UInt8], _ time: String, _ requestID: String?) {
        lines += time.utf8
        lines.append(UInt8(ascii: " "))
        partial.withUnsafeBytes { line in
            let tag = TaggedLine.tag(of: line)
            lines += (tag?.requestID ?? requestID ?? "-").utf8
            lines.append(UInt8(ascii: " "))
            lines += line[(tag?.textStart ?? 0)...]
        }
        if isCut { lines += Self.cutMark }
        lines.append(Self.newline)
        partial.removeAll(keepingCapacity: true)
        isCut = false
    }
}
