import ByteCoding
import StreamCore

/// Decodes the JSON body of PutRecord and PutRecords straight into the buffers that the log takes.
///
/// Keys come in any order; unknown ones are ignored, as the service does. Base64 is decoded into its final place. About
/// 150 ns for a record of 100 bytes, against several microseconds of a general decoder.
package struct PutRecordsDecoder {
    private var scanner: JSONScanner
    private var collector: PutRecordCollector
    private var fields = PutFields()

    /// Decodes the body of a PutRecords.
    package static func decodeRecords(_ body: UnsafeRawBufferPointer) throws(KinesisError) -> PutRequest {
        try decode(body) { decoder throws(KinesisError) in try decoder.readRecords() }
    }

    /// Decodes the body of a PutRecord.
    package static func decodeRecord(_ body: UnsafeRawBufferPointer) throws(KinesisError) -> PutRequest {
        try decode(body) { decoder throws(KinesisError) in try decoder.readSingleRecord() }
    }

    private static func decode(
        _ body: UnsafeRawBufferPointer,
        _ read: (inout PutRecordsDecoder) throws(KinesisError) -> Void
    ) throws(KinesisError) -> PutRequest {
        let scanner = try JSONScanner(body)
        return try PutRequest.decode(body) { target throws(KinesisError) in
            var decoder = PutRecordsDecoder(scanner: scanner, collector: PutRecordCollector(target: target))
            try read(&decoder)
            return (decoder.collector, decoder.fields)
        }
    }

    private init(scanner: JSONScanner, collector: PutRecordCollector) {
        self.scanner = scanner
        self.collector = collector
    }
}

// MARK: - Structures

extension PutRecordsDecoder {
    /// The strings of one record, wherever they stand in its object.
    private struct RecordTexts {
        var partitionKey: JSONText?
        var data: JSONText?
        var explicitHashKey: JSONText?
    }

    private mutating func readRecords() throws(KinesisError) {
        collector.beginRecords()
        var hasRecords = false
        try readObject { (decoder, field) throws(KinesisError) in
            guard field == .records, decoder.scanner.peek() != UInt8(ascii: "n") else {
                try decoder.readRequestField(field)
                return
            }
            hasRecords = true
            try decoder.readRecordList()
        }
        try scanner.expectEnd()
        try collector.finishRecords(isPresent: hasRecords)
    }

    private mutating func readRecordList() throws(KinesisError) {
        try scanner.expect(UInt8(ascii: "["))
        if scanner.skip(UInt8(ascii: "]")) { return }
        repeat {
            try collector.beginRecord()
            var texts = RecordTexts()
            try readObject { (decoder, field) throws(KinesisError) in
                if try !decoder.readRecordField(field, into: &texts) { try decoder.scanner.skipValue() }
            }
            try append(texts)
        } while try scanner.nextMember(closing: UInt8(ascii: "]"))
    }

    private mutating func readSingleRecord() throws(KinesisError) {
        var texts = RecordTexts()
        try readObject { (decoder, field) throws(KinesisError) in
            if try !decoder.readRecordField(field, into: &texts) { try decoder.readRequestField(field) }
        }
        try scanner.expectEnd()
        try append(texts)
    }

    @inline(__always)
    private mutating func readObject(
        _ readValue: (inout PutRecordsDecoder, PutField) throws(KinesisError) -> Void
    ) throws(KinesisError) {
        try scanner.expect(UInt8(ascii: "{"))
        if scanner.skip(UInt8(ascii: "}")) { return }
        repeat {
            let name = try scanner.string()
            try scanner.expect(UInt8(ascii: ":"))
            try readValue(&self, PutField(named: scanner.bytes(of: name)))
        } while try scanner.nextMember(closing: UInt8(ascii: "}"))
    }

    private mutating func readRequestField(_ field: PutField) throws(KinesisError) {
        switch field {
        case .streamName: fields.streamName = try readString()
        case .streamARN: fields.streamARN = try readString()
        case .sequenceNumberForOrdering: fields.sequenceNumberForOrdering = try readString()
        default: try scanner.skipValue()
        }
    }

    /// - Returns: `false` when the field is none of a record.
    @inline(__always)
    private mutating func readRecordField(
        _ field: PutField,
        into texts: inout RecordTexts
    ) throws(KinesisError) -> Bool {
        switch field {
        case .partitionKey: texts.partitionKey = try scanner.stringOrNull()
        case .data: texts.data = try scanner.stringOrNull()
        case .explicitHashKey: texts.explicitHashKey = try scanner.stringOrNull()
        default: return false
        }
        return true
    }

    private mutating func readString() throws(KinesisError) -> String? {
        guard let text = try scanner.stringOrNull() else { return nil }
        return String(decoding: try unescaped(text), as: UTF8.self)
    }

    private func unescaped(_ text: JSONText) throws(KinesisError) -> [UInt8] {
        let source = scanner.bytes(of: text)
        var isValid = false
        let bytes = [UInt8](unsafeUninitializedCapacity: source.count) { buffer, count in
            guard let base = buffer.baseAddress else { return isValid = true }
            let copied = JSONUnescaping.copy(
                source,
                hasEscapes: text.hasEscapes,
                to: UnsafeMutableRawPointer(base)
            )
            isValid = copied != nil
            count = copied?.bytes ?? 0
        }
        guard isValid else { throw scanner.malformed("a string that is no text") }
        return bytes
    }
}

// MARK: - One record

extension PutRecordsDecoder {
    /// Writes partition key and payload one after the other, whichever came first in the object.
    @inline(__always)
    private mutating func append(_ texts: RecordTexts) throws(KinesisError) {
        guard let keyText = texts.partitionKey, let dataText = texts.data else {
            return collector.reportMissing(
                partitionKey: texts.partitionKey == nil,
                data: texts.data == nil
            )
        }

        let keyTarget = collector.keyTarget
        guard
            let key = JSONUnescaping.copy(
                scanner.bytes(of: keyText),
                hasEscapes: keyText.hasEscapes,
                to: keyTarget
            )
        else { throw scanner.malformed("a partition key that is no text") }
        let payloadBytes = try decode(dataText, to: keyTarget + key.bytes)
        guard let explicit = texts.explicitHashKey else {
            return try collector.add(
                keyBytes: key.bytes,
                keyCharacters: key.characters,
                payloadBytes: payloadBytes,
                explicitHashKey: nil
            )
        }
        try append(explicit, key: key, payloadBytes: payloadBytes)
    }

    private mutating func append(
        _ explicitHashKey: JSONText,
        key: (bytes: Int, characters: Int),
        payloadBytes: Int
    ) throws(KinesisError) {
        // Digits need no escapes, but an encoder may use them.
        let unescaped = explicitHashKey.hasEscapes ? try unescaped(explicitHashKey) : []
        let digits = scanner.bytes(of: explicitHashKey)
        let result = unescaped.withUnsafeBytes { bytes in
            Result { () throws(KinesisError) in
                try collector.add(
                    keyBytes: key.bytes,
                    keyCharacters: key.characters,
                    payloadBytes: payloadBytes,
                    explicitHashKey: explicitHashKey.hasEscapes ? bytes : digits
                )
            }
        }
        try result.get()
    }

    @inline(__always)
    private func decode(_ text: JSONText, to target: UnsafeMutableRawPointer) throws(KinesisError) -> Int {
        let source = scanner.bytes(of: text)
        let count = text.hasEscapes ? decodeEscaped(source, to: target) : Base64.decode(source, to: target)
        guard let count else {
            throw KinesisError(
                .serialization,
                "\(collector.path("data")) can not be converted to a Blob: it is not base64"
            )
        }
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
}
