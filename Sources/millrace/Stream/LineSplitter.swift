import Foundation

/// Cuts bytes that arrive in pieces into numbered lines.
///
/// Every line counts, an empty one too; only those with content come out.
struct LineSplitter {
    struct Line: Equatable {
        /// From 1.
        let number: Int
        /// Without the line feed.
        let data: Data
    }

    /// A line is longer than any record; nothing behind it was read.
    struct LineTooLong: Error, Equatable {
        let number: Int
    }

    private let maximumBytes: Int
    /// The beginning of a line whose end has not arrived.
    private var partial = Data()
    private var endedCount = 0

    init(maximumBytes: Int) {
        self.maximumBytes = maximumBytes
    }

    /// - Returns: The lines that end within `bytes`.
    mutating func add(_ bytes: Data) throws(LineTooLong) -> [Line] {
        var lines: [Line] = []
        var rest = bytes
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            try append(rest[..<end])
            if let line = endLine() { lines.append(line) }
            rest = rest[rest.index(after: end)...]
        }
        try append(rest)
        return lines
    }

    /// - Returns: The last line, when no line feed ends it.
    mutating func finish() -> Line? {
        partial.isEmpty ? nil : endLine()
    }

    private mutating func append(_ bytes: Data) throws(LineTooLong) {
        guard partial.count + bytes.count <= maximumBytes else {
            throw LineTooLong(number: endedCount + 1)
        }
        partial.append(bytes)
    }

    private mutating func endLine() -> Line? {
        defer { partial = Data() }
        endedCount += 1
        return partial.isEmpty ? nil : Line(number: endedCount, data: partial)
    }
}
