import Glibc

/// Empties one output pipe of a process.
struct OutputCapture {
    /// How much is remembered for the report of a crash.
    static let tailBytes = 4096
    private static let readBytes = 64 << 10
    /// A handler that never stops writing must not keep its answers from being read.
    private static let readsPerRound = 16

    private var lines = LineCapture()
    private var tail: [UInt8] = []
    private(set) var isOpen = true

    /// The last of what was written, without cut characters and the white space around it.
    var tailText: String {
        let text = String(decoding: tail.drop { $0 & 0xC0 == 0x80 }, as: UTF8.self)
        return text.trimmed
    }

    /// Reads what is there, up to a limit.
    ///
    /// - Returns: The lines that are complete.
    mutating func capture(_ pipe: borrowing Descriptor) -> [UInt8] {
        var captured: [UInt8] = []
        for _ in 0..<Self.readsPerRound where isOpen {
            guard readOnce(pipe, into: &captured) else { break }
        }
        return captured
    }

    /// Reads what a process that has ended left behind: at most one full pipe.
    mutating func finish(_ pipe: borrowing Descriptor) -> [UInt8] {
        let captured = capture(pipe)
        isOpen = false
        return captured + lines.finish()
    }

    private mutating func readOnce(_ pipe: borrowing Descriptor, into captured: inout [UInt8]) -> Bool {
        let descriptor = pipe.number
        return withUnsafeTemporaryAllocation(byteCount: Self.readBytes, alignment: 1) { buffer in
            let length = read(descriptor, buffer.baseAddress, buffer.count)
            guard length > 0 else {
                if length == 0 || (errno != EAGAIN && errno != EINTR) { isOpen = false }
                return false
            }
            let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<length])
            captured += lines.append(bytes)
            tail += UnsafeRawBufferPointer(rebasing: bytes.suffix(Self.tailBytes))
            if tail.count > Self.tailBytes { tail.removeFirst(tail.count - Self.tailBytes) }
            return length == buffer.count
        }
    }
}

extension String {
    /// The text without white space at its ends.
    fileprivate var trimmed: String {
        let start = drop(while: \.isWhitespace)
        return String(start.reversed().drop(while: \.isWhitespace).reversed())
    }
}
