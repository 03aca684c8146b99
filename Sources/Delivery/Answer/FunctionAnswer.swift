import StreamCore

/// What the engine looks at in a function's answer; the rest of it may be anything.
struct FunctionAnswer {
    /// Raw JSON; `nil` when it is not there or null.
    private(set) var state: [UInt8]?
    private(set) var failures = BatchItemFailures.none

    /// - Throws: When the answer is not JSON. No answer at all is one without members.
    init(_ answer: [UInt8], batch: RecordSelection) throws(MalformedJSON) {
        let result = answer.withUnsafeBytes { text -> Result<FunctionAnswer, MalformedJSON> in
            var reading = FunctionAnswer()
            do throws(MalformedJSON) {
                var cursor = JSONCursor(text)
                if cursor.peek() != 0 || cursor.offset < text.count {
                    try reading.read(&cursor, text, batch)
                    try cursor.expectEnd()
                }
                return .success(reading)
            } catch {
                return .failure(error)
            }
        }
        self = try result.get()
    }

    private init() {}

    private mutating func read(
        _ cursor: inout JSONCursor,
        _ text: UnsafeRawBufferPointer,
        _ batch: RecordSelection
    ) throws(MalformedJSON) {
        guard cursor.peek() == UInt8(ascii: "{") else {
            let isEmpty = try cursor.skipsNothing()
            if !isEmpty { failures = .all(reason: "the answer is no object with batchItemFailures") }
            return
        }
        guard try cursor.open(UInt8(ascii: "{"), closing: UInt8(ascii: "}"), depth: 0) else { return }
        repeat {
            let name = try cursor.name()
            // Of several members with one name the last counts.
            if cursor.isText(name, "state") {
                let isNull = cursor.peek() == UInt8(ascii: "n")
                let start = cursor.offset
                try cursor.skipValue(depth: 1)
                state = isNull ? nil : Array(text[start..<cursor.offset])
            } else if cursor.isText(name, "batchItemFailures") {
                failures = try ItemFailureReader(batch).read(&cursor)
            } else {
                try cursor.skipValue(depth: 1)
            }
        } while try cursor.nextMember(closing: UInt8(ascii: "}"))
    }
}

extension JSONCursor {
    /// Consumes a value; whether it is null or the empty string, which stand for no value.
    fileprivate mutating func skipsNothing() throws(MalformedJSON) -> Bool {
        switch peek() {
        case UInt8(ascii: "n"):
            try literal("null")
            return true
        case UInt8(ascii: "\""): return try string().count == 0
        default:
            try skipValue()
            return false
        }
    }

    fileprivate func isText(_ text: JSONText, _ word: StaticString) -> Bool {
        withCharacters(of: text) { characters in
            characters?.elementsEqual(
                UnsafeRawBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount)
            ) ?? false
        }
    }
}

/// Reads the list of failed items, and finds them in the batch.
private struct ItemFailureReader {
    /// Most characters of an identifier that are told.
    private static let maximumQuotedCharacters = 64

    private let batch: RecordSelection
    private var lowest: SequenceNumber?
    /// Why the list says nothing about any record; the first reason.
    private var reason: String?

    init(_ batch: RecordSelection) {
        self.batch = batch
    }

    consuming func read(_ cursor: inout JSONCursor) throws(MalformedJSON) -> BatchItemFailures {
        switch cursor.peek() {
        case UInt8(ascii: "n"): try cursor.literal("null")
        case UInt8(ascii: "["):
            if try cursor.open(UInt8(ascii: "["), closing: UInt8(ascii: "]"), depth: 1) {
                repeat { try readItem(&cursor) } while try cursor.nextMember(closing: UInt8(ascii: "]"))
            }
        default:
            try cursor.skipValue(depth: 1)
            reason = "batchItemFailures is no list"
        }
        return reason.map { .all(reason: $0) } ?? lowest.map { .from($0) } ?? .none
    }

    private mutating func readItem(_ cursor: inout JSONCursor) throws(MalformedJSON) {
        guard cursor.peek() == UInt8(ascii: "{") else {
            try cursor.skipValue(depth: 2)
            return note("an item of batchItemFailures is no object")
        }
        var identifier: Identifier = .missing
        if try cursor.open(UInt8(ascii: "{"), closing: UInt8(ascii: "}"), depth: 2) {
            repeat {
                let name = try cursor.name()
                if cursor.isText(name, "itemIdentifier") {
                    identifier = try readIdentifier(&cursor)
                } else {
                    try cursor.skipValue(depth: 3)
                }
            } while try cursor.nextMember(closing: UInt8(ascii: "}"))
        }
        note(identifier)
    }

    private enum Identifier {
        case missing
        case record(SequenceNumber)
        case unknown(String)
    }

    private func readIdentifier(_ cursor: inout JSONCursor) throws(MalformedJSON) -> Identifier {
        switch cursor.peek() {
        case UInt8(ascii: "["), UInt8(ascii: "{"):
            try cursor.skipValue(depth: 3)
            return .missing
        default:
            return try cursor.scalar { value in
                switch value.kind {
                // A number that is written as a record's is that record's, as a deserializer would make it a string.
                case .string, .number: find(value.bytes)
                case .null, .true, .false, .unreadableString: .missing
                }
            }
        }
    }

    private func find(_ digits: UnsafeRawBufferPointer) -> Identifier {
        guard !digits.isEmpty else { return .missing }
        // Written as in the event, without leading zeros.
        guard digits.first != UInt8(ascii: "0") || digits.count == 1,
            let number = SequenceNumber(digits: digits), case let position = batch.position(of: number),
            position < batch.count, batch[position].sequenceNumber == number
        else {
            return .unknown(String(decoding: digits.prefix(Self.maximumQuotedCharacters), as: UTF8.self))
        }
        return .record(number)
    }

    private mutating func note(_ identifier: Identifier) {
        switch identifier {
        case .missing: note("an item of batchItemFailures has no itemIdentifier")
        case .record(let number): lowest = min(lowest ?? number, number)
        case .unknown(let text): note("the itemIdentifier \(text) is not in the batch")
        }
    }

    private mutating func note(_ reason: String) {
        if self.reason == nil { self.reason = reason }
    }
}
