/// A record's place in its shard: a whole number of up to 192 bits, written in decimal without leading zeros.
///
/// Wide enough for every log: Amazon Kinesis issues 56 digits (186 bits), the embedded log 39 (128 bits), a
/// Kafka offset has at most 19. Numbers grow along a shard and from parent to child; they need not be dense.
public struct SequenceNumber: Hashable, Sendable {
    // Three words rather than a wide integer: the record index is a flat array of these, eight-byte aligned.
    public let high: UInt64
    public let middle: UInt64
    public let low: UInt64

    @inlinable
    public init(high: UInt64, middle: UInt64, low: UInt64) {
        self.high = high
        self.middle = middle
        self.low = low
    }

    package init(_ value: UInt128) {
        self.init(
            high: 0,
            middle: UInt64(truncatingIfNeeded: value >> 64),
            low: UInt64(truncatingIfNeeded: value)
        )
    }

    package static let zero = SequenceNumber(high: 0, middle: 0, low: 0)

    /// Most digits that a sequence number can have.
    package static let maximumDigits = 58

    /// - Returns: `nil` for anything but 1–58 decimal digits whose value fits in 192 bits.
    package init?(_ decimal: some StringProtocol) {
        var copy = String(decimal)
        guard let value = copy.withUTF8({ SequenceNumber(digits: UnsafeRawBufferPointer($0)) }) else {
            return nil
        }
        self = value
    }

    /// Reads ASCII digits; the inverse of `SequenceDigits`.
    package init?(digits: UnsafeRawBufferPointer) {
        guard (1...Self.maximumDigits).contains(digits.count) else { return nil }
        var value = Self.zero
        var chunk: UInt64 = 0
        var scale: UInt64 = 1
        for (index, byte) in digits.enumerated() {
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
            chunk = chunk * 10 + UInt64(byte - UInt8(ascii: "0"))
            scale *= 10
            if scale == Self.chunkScale || index == digits.count - 1 {
                guard let next = value.multiplied(by: scale, adding: chunk) else { return nil }
                (value, chunk, scale) = (next, 0, 1)
            }
        }
        self = value
    }

    /// Ten to the nineteenth, the largest power of ten that fits in a word.
    static let chunkScale: UInt64 = 10_000_000_000_000_000_000

    private func multiplied(by factor: UInt64, adding addend: UInt64) -> SequenceNumber? {
        let first = low.multipliedFullWidth(by: factor)
        let second = middle.multipliedFullWidth(by: factor)
        let third = high.multipliedFullWidth(by: factor)

        let (newLow, carry0) = first.low.addingReportingOverflow(addend)
        let (carriedHigh, _) = first.high.addingReportingOverflow(carry0 ? 1 : 0)
        let (newMiddle, carry1) = second.low.addingReportingOverflow(carriedHigh)
        let (upper, _) = second.high.addingReportingOverflow(carry1 ? 1 : 0)
        let (newHigh, overflow) = third.low.addingReportingOverflow(upper)
        guard third.high == 0, !overflow else { return nil }
        return SequenceNumber(high: newHigh, middle: newMiddle, low: newLow)
    }

    /// The value divided by ten to the nineteenth, and what is left.
    func dividedByChunkScale() -> (quotient: SequenceNumber, remainder: UInt64) {
        let (q2, r2) = high.quotientAndRemainder(dividingBy: Self.chunkScale)
        let (q1, r1) = Self.chunkScale.dividingFullWidth((r2, middle))
        let (q0, r0) = Self.chunkScale.dividingFullWidth((r1, low))
        return (SequenceNumber(high: q2, middle: q1, low: q0), r0)
    }

    /// The next larger number; 2^192 - 1 has none and traps.
    package var successor: SequenceNumber {
        let (newLow, carry) = low.addingReportingOverflow(1)
        let (newMiddle, carry2) = middle.addingReportingOverflow(carry ? 1 : 0)
        return SequenceNumber(high: high + (carry2 ? 1 : 0), middle: newMiddle, low: newLow)
    }
}

extension SequenceNumber: Comparable {
    @inlinable
    public static func < (left: SequenceNumber, right: SequenceNumber) -> Bool {
        (left.high, left.middle, left.low) < (right.high, right.middle, right.low)
    }
}

extension SequenceNumber: LosslessStringConvertible, CustomStringConvertible {
    public init?(_ description: String) {
        self.init(description[...])
    }

    public var description: String {
        var digits = SequenceDigits()
        return digits.withDigits(of: self) { String(decoding: $0, as: UTF8.self) }
    }
}

extension SequenceNumber: ExpressibleByIntegerLiteral {
    public init(integerLiteral value: UInt64) {
        self.init(high: 0, middle: 0, low: value)
    }
}

extension SequenceNumber: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let value = SequenceNumber(text[...]) else {
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription: "not a sequence number: \(text)"
            )
        }
        self = value
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
