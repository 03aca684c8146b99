/// A line of a handler's output that says to which invocation it belongs.
///
/// Invocations follow each other faster than the host can read the pipes, so that it cannot always tell from the
/// moment at which a line arrives. The tag is the request ID between two ASCII record separators.
package enum TaggedLine {
    private static let separator: UInt8 = 0x1E

    /// The line with its tag and its newline.
    package static func bytes(_ text: String, requestID: String) -> [UInt8] {
        var bytes: [UInt8] = []
        // A newline inside the text begins another line, which needs the tag as well.
        for line in text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            bytes.append(separator)
            bytes += requestID.utf8
            bytes.append(separator)
            bytes += line
            bytes.append(UInt8(ascii: "\n"))
        }
        return bytes
    }

    /// - Returns: The request ID and where the text begins; `nil` when the line has no tag.
    package static func tag(of line: UnsafeRawBufferPointer) -> (requestID: String, textStart: Int)? {
        guard line.first == separator else { return nil }
        guard let end = line.prefix(256).dropFirst().firstIndex(of: separator) else { return nil }
        return (String(decoding: line[1..<end], as: UTF8.self), end + 1)
    }
}
