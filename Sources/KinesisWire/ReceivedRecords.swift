package import StreamCore

import ByteCoding
import Foundation

/// What an answer of GetRecords or an event of SubscribeToShard holds.
package struct ReceivedRecords: Sendable {
    package let batch: RecordBatch
    /// `nil` at the end of a closed shard, and in events.
    package private(set) var nextShardIterator: String?
    /// Where the next subscription goes on; in events only.
    package let continuation: SequenceNumber?
    package let millisBehindLatest: Int64
    /// Other shards go on where this one ends.
    package let hasChildShards: Bool

    /// Reads the JSON in one go: about 150 ns for a record of 100 bytes.
    ///
    /// Keys come in any order; unknown ones are ignored. Base64 is decoded into its final place.
    package init(json: UnsafeRawBufferPointer) throws(KinesisError) {
        let scanner = try JSONScanner(json)
        var result = Result<ReceivedRecordsScan, KinesisError>.failure(
            KinesisError(.serialization, "no memory")
        )
        // Unescaped keys and decoded base64 are shorter than their text, so the answer's size is always enough.
        let bytes = [UInt8](unsafeUninitializedCapacity: json.count) { buffer, count in
            guard let base = buffer.baseAddress else { return }
            var scan = ReceivedRecordsScan(scanner: scanner, target: UnsafeMutableRawPointer(base))
            do throws(KinesisError) {
                try scan.readAnswer()
                count = scan.writtenBytes
                result = .success(scan)
            } catch {
                result = .failure(error)
            }
        }
        let scan = try result.get()
        batch = RecordBatch(bytes: bytes, entries: scan.entries)
        nextShardIterator = scan.nextShardIterator
        continuation = scan.continuation
        millisBehindLatest = scan.millisBehindLatest
        hasChildShards = scan.hasChildShards
    }

    /// The same as the last answer of its shard.
    package func ended() -> ReceivedRecords {
        var last = self
        last.nextShardIterator = nil
        return last
    }
}

/// One pass over such an answer.
private struct ReceivedRecordsScan {
    private var scanner: JSONScanner
    private let target: UnsafeMutableRawPointer
    private var numbers = SequenceNumberScan()
    private(set) var writtenBytes = 0
    private(set) var entries: [RecordEntry] = []
    private(set) var nextShardIterator: String?
    private(set) var continuation: SequenceNumber?
    private(set) var millisBehindLatest: Int64 = 0
    private(set) var hasChildShards = false

    init(scanner: JSONScanner, target: UnsafeMutableRawPointer) {
        self.scanner = scanner
        self.target = target
    }

    mutating func readAnswer() throws(KinesisError) {
        try scanner.expect(UInt8(ascii: "{"))
        if !scanner.skip(UInt8(ascii: "}")) {
            repeat {
                let name = try scanner.string()
                try scanner.expect(UInt8(ascii: ":"))
                try readField(scanner.bytes(of: name))
            } while try scanner.nextMember(closing: UInt8(ascii: "}"))
        }
        try scanner.expectEnd()
    }

    private mutating func readField(_ name: UnsafeRawBufferPointer) throws(KinesisError) {
        if name.equals("Records") {
            try readRecords()
        } else if name.equals("NextShardIterator") {
            nextShardIterator = try scanner.stringOrNull().map { text throws(KinesisError) in
                try string(of: text)
            }
        } else if name.equals("MillisBehindLatest"), scanner.peek() != UInt8(ascii: "n") {
            millisBehindLatest = Int64(try decimal(scanner.number()))
        } else if name.equals("ContinuationSequenceNumber"), let text = try scanner.stringOrNull() {
            continuation = SequenceNumber(digits: scanner.bytes(of: text))
        } else if name.equals("ChildShards") {
            hasChildShards = try readsSomething()
        } else {
            try scanner.skipValue()
        }
    }

    private func string(of text: JSONText) throws(KinesisError) -> String {
        let source = scanner.bytes(of: text)
        guard text.hasEscapes else { return String(decoding: source, as: UTF8.self) }
        let plain = withUnsafeTemporaryAllocation(byteCount: source.count, alignment: 1) { scratch in
            scratch.baseAddress.flatMap { base in
                JSONUnescaping.unescape(source, to: base).map {
                    String(decoding: UnsafeRawBufferPointer(start: base, count: $0), as: UTF8.self)
                }
            }
        }
        guard let plain else { throw scanner.malformed("a string that is no text") }
        return plain
    }

    private mutating func readsSomething() throws(KinesisError) -> Bool {
        guard scanner.skip(UInt8(ascii: "[")) else {
            try scanner.skipValue()
            return false
        }
        if scanner.skip(UInt8(ascii: "]")) { return false }
        repeat { try scanner.skipValue() } while try scanner.nextMember(closing: UInt8(ascii: "]"))
        return true
    }

    private mutating func readRecords() throws(KinesisError) {
        try scanner.expect(UInt8(ascii: "["))
        if scanner.skip(UInt8(ascii: "]")) { return }
        entries.reserveCapacity(KinesisLimits.getRecordsCount / 8)
        repeat { try readRecord() } while try scanner.nextMember(closing: UInt8(ascii: "]"))
    }

    private mutating func readRecord() throws(KinesisError) {
        var (key, data, number, time): (JSONText?, JSONText?, JSONText?, JSONText?)
        try scanner.expect(UInt8(ascii: "{"))
        repeat {
            let name = scanner.bytes(of: try scanner.string())
            try scanner.expect(UInt8(ascii: ":"))
            // The length alone tells most names apart; comparing then confirms.
            switch name.count {
            case 4 where name.equals("Data"): data = try scanner.stringOrNull()
            case 12 where name.equals("PartitionKey"): key = try scanner.stringOrNull()
            case 14 where name.equals("SequenceNumber"): number = try scanner.string()
            case 27 where name.equals("ApproximateArrivalTimestamp"): time = try scanner.number()
            default: try scanner.skipValue()
            }
        } while try scanner.nextMember(closing: UInt8(ascii: "}"))
        guard let number, let value = numbers.value(of: scanner.bytes(of: number)) else {
            throw scanner.malformed("a record without sequence number")
        }
        try append(key, data, value, arrival: time)
    }

    /// Writes partition key and payload one after the other, whichever came first in the object.
    @inline(__always)
    private mutating func append(
        _ key: JSONText?,
        _ data: JSONText?,
        _ number: SequenceNumber,
        arrival: JSONText?
    ) throws(KinesisError) {
        let start = writtenBytes
        let keyBytes = try key.map { text throws(KinesisError) in try copy(text, to: target + start) } ?? 0
        guard keyBytes <= UInt16.max else { throw scanner.malformed("a partition key that is too long") }
        let payload = target + start + keyBytes
        let payloadBytes = try data.map { text throws(KinesisError) in try decode(text, to: payload) } ?? 0
        let milliseconds = try arrival.map { text throws(KinesisError) in try self.milliseconds(text) } ?? 0
        entries.append(
            RecordEntry(
                sequenceNumber: number,
                arrival: Timestamp(milliseconds: milliseconds),
                offset: UInt32(start),
                keyBytes: UInt16(keyBytes),
                payloadBytes: UInt32(payloadBytes)
            )
        )
        writtenBytes = start + keyBytes + payloadBytes
    }

    @inline(__always)
    private func copy(_ text: JSONText, to target: UnsafeMutableRawPointer) throws(KinesisError) -> Int {
        let source = scanner.bytes(of: text)
        guard let copied = JSONUnescaping.copy(source, hasEscapes: text.hasEscapes, to: target) else {
            throw scanner.malformed("a partition key that is no text")
        }
        return copied.bytes
    }

    @inline(__always)
    private func decode(_ text: JSONText, to target: UnsafeMutableRawPointer) throws(KinesisError) -> Int {
        let source = scanner.bytes(of: text)
        let count = text.hasEscapes ? decodeEscaped(source, to: target) : Base64.decode(source, to: target)
        guard let count else { throw scanner.malformed("data that is not base64") }
        return count
    }

    /// Some encoders write every slash as `\/`.
    private func decodeEscaped(_ source: UnsafeRawBufferPointer, to target: UnsafeMutableRawPointer) -> Int? {
        withUnsafeTemporaryAllocation(byteCount: source.count, alignment: 1) { scratch in
            guard let base = scratch.baseAddress, let count = JSONUnescaping.unescape(source, to: base) else {
                return nil
            }
            return Base64.decode(UnsafeRawBufferPointer(start: base, count: count), to: target)
        }
    }

    /// Seconds with a fraction, as the service writes moments; a number with an exponent as well.
    private func milliseconds(_ text: JSONText) throws(KinesisError) -> Int64 {
        let digits = scanner.bytes(of: text)
        var (value, fraction): (Int64, Int?) = (0, nil)
        guard digits.count <= 18 else { return Int64((try decimal(text) * 1_000).rounded()) }
        for byte in digits {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                if fraction == 3 { continue }
                value = value * 10 + Int64(byte - UInt8(ascii: "0"))
                fraction = fraction.map { $0 + 1 }
            case UInt8(ascii: ".") where fraction == nil: fraction = 0
            default: return Int64((try decimal(text) * 1_000).rounded())
            }
        }
        for _ in (fraction ?? 0)..<3 {
            let (larger, isTooLarge) = value.multipliedReportingOverflow(by: 10)
            guard !isTooLarge else { throw scanner.malformed("a number that means nothing") }
            value = larger
        }
        return value
    }

    private func decimal(_ text: JSONText) throws(KinesisError) -> Double {
        guard let value = Double(String(decoding: scanner.bytes(of: text), as: UTF8.self)), abs(value) < 1e15
        else {
            throw scanner.malformed("a number that means nothing")
        }
        return value
    }
}

/// Reads sequence numbers, of which neighbours mostly differ in their last digits.
private struct SequenceNumberScan {
    /// As many as a word holds.
    private static let tailDigits = 18

    private var head: UnsafeRawBufferPointer?
    /// What the digits of the head stand for, with zeros behind them.
    private var headValue = SequenceNumber.zero

    @inline(__always)
    mutating func value(of digits: UnsafeRawBufferPointer) -> SequenceNumber? {
        let headCount = digits.count - Self.tailDigits
        guard headCount > 0 else { return SequenceNumber(digits: digits) }
        var tail: UInt64 = 0
        for index in headCount..<digits.count {
            let digit = digits[index] &- UInt8(ascii: "0")
            guard digit < 10 else { return nil }
            tail = tail &* 10 &+ UInt64(digit)
        }
        if let head, head.count == headCount, let known = head.baseAddress, let start = digits.baseAddress,
            memcmp(known, start, headCount) == 0
        {
            return headValue.adding(tail)
        }
        guard let value = SequenceNumber(digits: digits) else { return nil }
        head = UnsafeRawBufferPointer(rebasing: digits[..<headCount])
        headValue = value.subtracting(tail)
        return value
    }
}

extension SequenceNumber {
    @inline(__always)
    fileprivate func adding(_ value: UInt64) -> SequenceNumber {
        let (low, carry) = low.addingReportingOverflow(value)
        let (middle, upper) = middle.addingReportingOverflow(carry ? 1 : 0)
        return SequenceNumber(high: high &+ (upper ? 1 : 0), middle: middle, low: low)
    }

    fileprivate func subtracting(_ value: UInt64) -> SequenceNumber {
        let (low, borrow) = low.subtractingReportingOverflow(value)
        let (middle, upper) = middle.subtractingReportingOverflow(borrow ? 1 : 0)
        return SequenceNumber(high: high &- (upper ? 1 : 0), middle: middle, low: low)
    }
}

extension UnsafeRawBufferPointer {
    @inline(__always)
    fileprivate func equals(_ literal: StaticString) -> Bool {
        guard let baseAddress, count == literal.utf8CodeUnitCount else { return false }
        return memcmp(baseAddress, literal.utf8Start, count) == 0
    }
}
