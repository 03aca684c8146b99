/// Writes sequence numbers in decimal, one after the other.
///
/// The records of a batch have ascending numbers that differ in their last digits, so the difference is added
/// to the digits of the number before: about 5 ns, where dividing 192 bits takes about 100.
public struct SequenceDigits: Sendable {
    @usableFromInline static let capacity = 3 * 19 + 1

    /// Right-aligned ASCII digits of `current`.
    @usableFromInline var digits = [UInt8](repeating: UInt8(ascii: "0"), count: capacity)
    @usableFromInline var start = capacity - 1
    @usableFromInline var current = SequenceNumber.zero

    package init() {}

    /// Lends the ASCII digits of `number`: 1–58 of them, no leading zero.
    @inlinable
    public mutating func withDigits<Result>(
        of number: SequenceNumber,
        _ body: (UnsafeRawBufferPointer) throws -> Result
    ) rethrows -> Result {
        if !advance(to: number) { rewrite(number) }
        return try digits.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[start...])) }
    }

    /// Copies the digits to `target`, which has room for 58 bytes.
    ///
    /// - Returns: How many were written.
    @inlinable @inline(__always)
    public mutating func write(_ number: SequenceNumber, to target: UnsafeMutableRawPointer) -> Int {
        withDigits(of: number) { bytes in
            if let base = bytes.baseAddress { target.copyMemory(from: base, byteCount: bytes.count) }
            return bytes.count
        }
    }

    @inlinable
    mutating func advance(to number: SequenceNumber) -> Bool {
        guard number.middle == current.middle, number.high == current.high, number.low >= current.low else {
            return false
        }
        var rest = number.low - current.low
        // A longer way round than dividing anew.
        guard rest < 1_000_000_000_000 else { return false }
        current = number
        return digits.withUnsafeMutableBufferPointer { digits in
            var index = Self.capacity - 1
            while rest > 0 {
                guard index >= 0 else { return false }
                let sum = UInt64(digits[index] &- UInt8(ascii: "0")) &+ rest
                digits[index] = UInt8(truncatingIfNeeded: sum % 10) &+ UInt8(ascii: "0")
                rest = sum / 10
                if index < start { start = index }
                index -= 1
            }
            return true
        }
    }

    @usableFromInline
    mutating func rewrite(_ number: SequenceNumber) {
        current = number
        var value = number
        var end = Self.capacity
        start = Self.capacity - 1
        while end > 0 {
            var chunk: UInt64
            (value, chunk) = value.dividedByChunkScale()
            let chunkStart = max(0, end - 19)
            for index in stride(from: end - 1, through: chunkStart, by: -1) {
                let digit = UInt8(truncatingIfNeeded: chunk % 10)
                chunk /= 10
                digits[index] = digit &+ UInt8(ascii: "0")
                if digit != 0 { start = index }
            }
            end = chunkStart
        }
    }
}
