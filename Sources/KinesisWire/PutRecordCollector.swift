import StreamCore

/// Checks the records of a PutRecord or PutRecords, and lays them into the buffers that the log takes; what the decoders of
/// JSON and CBOR have in common.
struct PutRecordCollector {
    /// Where the next record's partition key goes; the payload follows it directly.
    let target: UnsafeMutableRawPointer
    private(set) var writtenBytes = 0
    private(set) var entries: [NewRecords.Entry] = []
    private(set) var violations: [Violation] = []
    /// Of PutRecords: the record that is being read; 0 in a PutRecord.
    private(set) var recordCount = 0

    init(target: UnsafeMutableRawPointer) {
        self.target = target
    }

    @inline(__always)
    var keyTarget: UnsafeMutableRawPointer { target + writtenBytes }

    // MARK: - PutRecords

    mutating func beginRecords() { entries.reserveCapacity(KinesisLimits.putRecordsCount) }

    @inline(__always)
    mutating func beginRecord() throws(KinesisError) {
        recordCount += 1
        guard recordCount <= KinesisLimits.putRecordsCount else {
            let limit = KinesisLimits.putRecordsCount
            throw .validation([
                Violation("[PutRecordsRequestEntry, ...]", at: "records", .lengthAtMost(limit))
            ])
        }
    }

    mutating func finishRecords(isPresent: Bool) throws(KinesisError) {
        if !isPresent {
            violations.append(Violation(nil, at: "records", .notNull))
        } else if recordCount == 0 {
            violations.append(Violation("[]", at: "records", .lengthAtLeast(1)))
        }
        guard writtenBytes <= KinesisLimits.putRecordsBytes else {
            throw KinesisError(.invalidArgument, "Records size exceeds 10 MB limit")
        }
    }

    // MARK: - One record

    /// Takes in the record whose key and payload stand at `keyTarget`, unless it breaks a rule.
    ///
    /// - Parameter explicitHashKey: Its digits, as the request has them.
    @inline(__always)
    mutating func add(
        keyBytes: Int,
        keyCharacters: Int,
        payloadBytes: Int,
        explicitHashKey: UnsafeRawBufferPointer?
    ) throws(KinesisError) {
        guard (1...KinesisLimits.partitionKeyCharacters).contains(keyCharacters),
            payloadBytes <= KinesisLimits.payloadBytes
        else {
            return reportLengths(keyBytes, keyCharacters: keyCharacters, payloadBytes: payloadBytes)
        }
        let hashKey: UInt128
        if let explicitHashKey {
            guard let parsed = try parse(hashKey: explicitHashKey) else { return }
            hashKey = parsed
        } else {
            hashKey = HashKey.of(UnsafeRawBufferPointer(start: keyTarget, count: keyBytes))
        }
        entries.append(
            NewRecords.Entry(
                hashKey: hashKey,
                offset: UInt32(writtenBytes),
                keyBytes: UInt16(keyBytes),
                payloadBytes: UInt32(payloadBytes)
            )
        )
        writtenBytes += keyBytes + payloadBytes
    }

    mutating func reportMissing(partitionKey: Bool, data: Bool) {
        if partitionKey { report(Violation(nil, at: path("partitionKey"), .notNull)) }
        if data { report(Violation(nil, at: path("data"), .notNull)) }
    }

    func path(_ member: String) -> String {
        recordCount == 0 ? member : "records.\(recordCount).member.\(member)"
    }

    /// - Returns: `nil` when the text is no number; the violation is noted then.
    private mutating func parse(hashKey digits: UnsafeRawBufferPointer) throws(KinesisError) -> UInt128? {
        let hasLeadingZero = digits.count > 1 && digits.first == UInt8(ascii: "0")
        let isNumber =
            (1...39).contains(digits.count) && !hasLeadingZero && digits.allSatisfy { 48...57 ~= $0 }
        let text = String(decoding: digits, as: UTF8.self)
        guard isNumber else {
            report(Violation(text, at: path("explicitHashKey"), .pattern(KinesisLimits.hashKeyPattern)))
            return nil
        }
        guard let value = UInt128(text) else {
            throw KinesisError(
                .invalidArgument,
                "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. "
                    + "Specified value was \(text)"
            )
        }
        return value
    }

    private mutating func reportLengths(_ keyBytes: Int, keyCharacters: Int, payloadBytes: Int) {
        if keyCharacters == 0 {
            report(Violation("", at: path("partitionKey"), .lengthAtLeast(1)))
        } else if keyCharacters > KinesisLimits.partitionKeyCharacters {
            let key = UnsafeRawBufferPointer(start: keyTarget, count: keyBytes)
            let limit = KinesisLimits.partitionKeyCharacters
            report(
                Violation(
                    String(decoding: key, as: UTF8.self),
                    at: path("partitionKey"),
                    .lengthAtMost(limit)
                )
            )
        }
        if payloadBytes > KinesisLimits.payloadBytes {
            let value = "java.nio.HeapByteBuffer[pos=0 lim=\(payloadBytes) cap=\(payloadBytes)]"
            report(Violation(value, at: path("data"), .lengthAtMost(KinesisLimits.payloadBytes)))
        }
    }

    private mutating func report(_ violation: Violation) {
        if violations.count < Violation.maximumNamed { violations.append(violation) }
    }
}

extension PutRequest {
    /// Lets a decoder fill a buffer as large as the request's body, and makes the request of what it found.
    static func decode(
        _ body: UnsafeRawBufferPointer,
        _ read: (UnsafeMutableRawPointer) throws(KinesisError) -> (PutRecordCollector, PutFields)
    ) throws(KinesisError) -> PutRequest {
        var result = Result<(PutRecordCollector, PutFields), KinesisError>.failure(
            KinesisError(.serialization, "no memory")
        )
        // Keys and payloads are never longer than the text they stand in, so the body's size is always enough.
        let bytes = [UInt8](unsafeUninitializedCapacity: body.count) { buffer, count in
            guard let base = buffer.baseAddress else { return }
            do throws(KinesisError) {
                let read = try read(UnsafeMutableRawPointer(base))
                count = read.0.writtenBytes
                result = .success(read)
            } catch {
                result = .failure(error)
            }
        }
        let (collector, fields) = try result.get()
        guard collector.violations.isEmpty else { throw .validation(collector.violations) }
        return PutRequest(
            stream: StreamReference(name: fields.streamName, arn: fields.streamARN),
            records: NewRecords(bytes: bytes, entries: collector.entries),
            sequenceNumberForOrdering: fields.sequenceNumberForOrdering
        )
    }
}

/// What a PutRecord or PutRecords says beside its records.
struct PutFields {
    var streamName: String?
    var streamARN: String?
    var sequenceNumberForOrdering: String?
}

/// A member of a PutRecord or PutRecords, told by its name.
enum PutField {
    case records, streamName, streamARN, partitionKey, data, explicitHashKey, sequenceNumberForOrdering,
        unknown

    @inline(__always)
    init(named name: UnsafeRawBufferPointer) {
        // The length alone tells the known names apart; comparing then confirms.
        self =
            switch name.count {
            case 4: name.isEqual(to: "Data") ? .data : .unknown
            case 7: name.isEqual(to: "Records") ? .records : .unknown
            case 9: name.isEqual(to: "StreamARN") ? .streamARN : .unknown
            case 10: name.isEqual(to: "StreamName") ? .streamName : .unknown
            case 12: name.isEqual(to: "PartitionKey") ? .partitionKey : .unknown
            case 15: name.isEqual(to: "ExplicitHashKey") ? .explicitHashKey : .unknown
            case 25:
                name.isEqual(to: "SequenceNumberForOrdering") ? .sequenceNumberForOrdering : .unknown
            default: .unknown
            }
    }
}

extension UnsafeRawBufferPointer {
    @inline(__always)
    fileprivate func isEqual(to literal: StaticString) -> Bool {
        guard count == literal.utf8CodeUnitCount else { return false }
        let start = literal.utf8Start
        var difference: UInt8 = 0
        for index in 0..<count { difference |= self[index] ^ start[index] }
        return difference == 0
    }
}
