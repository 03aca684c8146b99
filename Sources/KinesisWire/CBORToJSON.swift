import ByteCoding

/// Turns the CBOR of a control operation's request into the JSON that says the same.
///
/// So operations read one form. Requests with records never pass through here.
package enum CBORToJSON {
    /// - Throws: `SerializationException` for what is no CBOR, or has no JSON.
    package static func transcode(_ cbor: UnsafeRawBufferPointer) throws(KinesisError) -> [UInt8] {
        if cbor.isEmpty { return Array("{}".utf8) }
        var transcoder = try Transcoder(cbor)
        try transcoder.value(depth: 0)
        guard transcoder.scanner.isAtEnd else { throw transcoder.scanner.malformed("expected the end") }
        return transcoder.output
    }
}

private struct Transcoder {
    var scanner: CBORScanner
    var output: [UInt8] = []

    init(_ cbor: UnsafeRawBufferPointer) throws(KinesisError) {
        scanner = try CBORScanner(cbor)
        output.reserveCapacity(2 * cbor.count)
    }

    mutating func value(depth: Int, isMoment: Bool = false) throws(KinesisError) {
        guard depth < CBORScanner.maximumDepth else { throw scanner.malformed("nested too deeply") }
        let head = try scanner.anyHead()
        switch head.kind {
        case .unsigned where isMoment: append("\(Double(head.argument) / 1_000)")
        case .unsigned: append(String(head.argument))
        case .negative:
            guard head.argument <= Int64.max else { throw scanner.malformed("a number too small") }
            append(String(-1 - Int64(head.argument)))
        case .bytes: append(quoted: Base64.encode(try bytes(of: head)))
        case .text:
            guard let text = String(validating: try bytes(of: head), as: UTF8.self) else {
                throw scanner.malformed("a string that is no text")
            }
            append(quoted: text)
        case .array: try list(head, depth: depth)
        case .map: try members(head, depth: depth)
        // The AWS SDKs write moments as whole milliseconds, where the standard says seconds; fractions are seconds.
        case .tag: try value(depth: depth + 1, isMoment: head.argument == 1)
        case .simple: try simple(head)
        }
    }

    private mutating func bytes(of head: CBORScanner.Head) throws(KinesisError) -> [UInt8] {
        let text = try scanner.string(head)
        return [UInt8](unsafeUninitializedCapacity: text.count) { buffer, count in
            if let base = buffer.baseAddress {
                count = scanner.copy(text, to: UnsafeMutableRawPointer(base))
            }
        }
    }

    private mutating func list(_ head: CBORScanner.Head, depth: Int) throws(KinesisError) {
        append("[")
        var index: UInt64 = 0
        while head.isIndefinite ? !scanner.skipBreak() : index < head.argument {
            if index > 0 { append(",") }
            try value(depth: depth + 1)
            index += 1
        }
        append("]")
    }

    private mutating func members(_ head: CBORScanner.Head, depth: Int) throws(KinesisError) {
        append("{")
        var index: UInt64 = 0
        while head.isIndefinite ? !scanner.skipBreak() : index < head.argument {
            if index > 0 { append(",") }
            let name = try scanner.anyHead()
            guard name.kind == .text, let text = String(validating: try bytes(of: name), as: UTF8.self) else {
                throw scanner.malformed("a member whose name is no text")
            }
            append(quoted: text)
            append(":")
            try value(depth: depth + 1)
            index += 1
        }
        append("}")
    }

    private mutating func simple(_ head: CBORScanner.Head) throws(KinesisError) {
        switch head.detail {
        case 20: append("false")
        case 21: append("true")
        case 22, 23: append("null")
        case 25: try number(Double(Float16(bitPattern: UInt16(truncatingIfNeeded: head.argument))))
        case 26: try number(Double(Float(bitPattern: UInt32(truncatingIfNeeded: head.argument))))
        case 27: try number(Double(bitPattern: head.argument))
        default: throw scanner.malformed("a simple value of no meaning")
        }
    }

    private mutating func number(_ value: Double) throws(KinesisError) {
        guard value.isFinite else { throw scanner.malformed("a number that is none") }
        append(String(value))
    }

    private mutating func append(_ text: String) { output += text.utf8 }

    private mutating func append(quoted text: String) {
        var writer = ByteWriter(capacity: text.utf8.count + 16)
        writer.append(jsonString: text)
        output += writer.bytes
    }
}
