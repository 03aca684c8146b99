import StreamCore

/// Decodes the CBOR body of PutRecord and PutRecords straight into the buffers that the log takes.
///
/// Payloads are byte strings and are copied once. Members come in any order; unknown ones are ignored.
package struct CBORPutRecordsDecoder {
    private var scanner: CBORScanner
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
        _ read: (inout CBORPutRecordsDecoder) throws(KinesisError) -> Void
    ) throws(KinesisError) -> PutRequest {
        let scanner = try CBORScanner(body)
        return try PutRequest.decode(body) { target throws(KinesisError) in
            let collector = PutRecordCollector(target: target)
            var decoder = CBORPutRecordsDecoder(scanner: scanner, collector: collector)
            try read(&decoder)
            return (decoder.collector, decoder.fields)
        }
    }

    private init(scanner: CBORScanner, collector: PutRecordCollector) {
        self.scanner = scanner
        self.collector = collector
    }

    /// The strings of one record, wherever they stand in its map.
    private struct RecordTexts {
        var partitionKey: CBORText?
        var data: CBORText?
        var explicitHashKey: CBORText?
    }

    private mutating func readRecords() throws(KinesisError) {
        collector.beginRecords()
        var hasRecords = false
        try readMap { (decoder, field) throws(KinesisError) in
            guard field == .records else { return try decoder.readRequestField(field) }
            guard !decoder.scanner.skipNull() else { return }
            hasRecords = true
            try decoder.readRecordList()
        }
        try expectEnd()
        try collector.finishRecords(isPresent: hasRecords)
    }

    private mutating func readRecordList() throws(KinesisError) {
        let list = try scanner.head()
        guard list.kind == .array else {
            throw KinesisError(.serialization, "\(list.kind) can not be converted to a List")
        }
        var index: UInt64 = 0
        while list.isIndefinite ? !scanner.skipBreak() : index < list.argument {
            index += 1
            try collector.beginRecord()
            var texts = RecordTexts()
            try readMap { (decoder, field) throws(KinesisError) in
                if try !decoder.readRecordField(field, into: &texts) { try decoder.scanner.skipValue() }
            }
            try append(texts)
        }
    }

    private mutating func readSingleRecord() throws(KinesisError) {
        var texts = RecordTexts()
        try readMap { (decoder, field) throws(KinesisError) in
            if try !decoder.readRecordField(field, into: &texts) { try decoder.readRequestField(field) }
        }
        try expectEnd()
        try append(texts)
    }

    private func expectEnd() throws(KinesisError) {
        guard scanner.isAtEnd else { throw scanner.malformed("expected the end") }
    }

    @inline(__always)
    private mutating func readMap(
        _ readValue: (inout CBORPutRecordsDecoder, PutField) throws(KinesisError) -> Void
    ) throws(KinesisError) {
        let map = try scanner.head()
        guard map.kind == .map else {
            throw KinesisError(.serialization, "\(map.kind) can not be converted to a Structure")
        }
        var index: UInt64 = 0
        while map.isIndefinite ? !scanner.skipBreak() : index < map.argument {
            index += 1
            let name = try scanner.string(.text)
            try readValue(&self, PutField(named: scanner.bytes(at: name)))
        }
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
        case .partitionKey: texts.partitionKey = try scanner.stringOrNull(.text)
        case .data: texts.data = try scanner.stringOrNull(.bytes)
        case .explicitHashKey: texts.explicitHashKey = try scanner.stringOrNull(.text)
        default: return false
        }
        return true
    }

    private mutating func readString() throws(KinesisError) -> String? {
        guard let text = try scanner.stringOrNull(.text) else { return nil }
        let bytes = copied(text)
        guard let string = String(validating: bytes, as: UTF8.self) else {
            throw scanner.malformed("a string that is no text")
        }
        return string
    }

    private func copied(_ text: CBORText) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: text.count) { buffer, count in
            guard let base = buffer.baseAddress else { return }
            count = scanner.copy(text, to: UnsafeMutableRawPointer(base))
        }
    }

    /// Writes partition key and payload one after the other, whichever came first in the map.
    @inline(__always)
    private mutating func append(_ texts: RecordTexts) throws(KinesisError) {
        guard let keyText = texts.partitionKey, let dataText = texts.data else {
            return collector.reportMissing(
                partitionKey: texts.partitionKey == nil,
                data: texts.data == nil
            )
        }
        let keyTarget = collector.keyTarget
        let keyBytes = scanner.copy(keyText, to: keyTarget)
        guard let characters = Self.characters(UnsafeRawBufferPointer(start: keyTarget, count: keyBytes))
        else { throw scanner.malformed("a partition key that is no text") }
        let payloadBytes = scanner.copy(dataText, to: keyTarget + keyBytes)
        guard let explicit = texts.explicitHashKey else {
            return try collector.add(
                keyBytes: keyBytes,
                keyCharacters: characters,
                payloadBytes: payloadBytes,
                explicitHashKey: nil
            )
        }
        let pieces = explicit.isInPieces ? copied(explicit) : []
        let digits = scanner.bytes(at: explicit)
        let result = pieces.withUnsafeBytes { bytes in
            Result { () throws(KinesisError) in
                try collector.add(
                    keyBytes: keyBytes,
                    keyCharacters: characters,
                    payloadBytes: payloadBytes,
                    explicitHashKey: explicit.isInPieces ? bytes : digits
                )
            }
        }
        try result.get()
    }

    /// How many characters (Unicode scalars) UTF-8 has; `nil` when it is none.
    @inline(__always)
    private static func characters(_ bytes: UnsafeRawBufferPointer) -> Int? {
        var seen: UInt8 = 0
        for byte in bytes { seen |= byte }
        if seen < 0x80 { return bytes.count }
        return String(validating: bytes, as: UTF8.self)?.unicodeScalars.count
    }
}
