import ByteCoding
import StreamCore

/// Turns the JSON of a control operation's answer into the CBOR that says the same.
///
/// Moments are told by their names, which all end in `Timestamp`. Answers with records never pass through here.
package enum JSONToCBOR {
    /// - Throws: `SerializationException` when it is no JSON.
    package static func transcode(_ json: UnsafeRawBufferPointer) throws(KinesisError) -> [UInt8] {
        if json.isEmpty { return [] }
        var transcoder = Transcoder(scanner: try JSONScanner(json))
        try transcoder.value(depth: 0, isMoment: false)
        try transcoder.scanner.expectEnd()
        return transcoder.output
    }
}

private struct Transcoder {
    private static let maximumDepth = 64
    private static let momentSuffix = "Timestamp"

    var scanner: JSONScanner
    var output: [UInt8] = []

    mutating func value(depth: Int, isMoment: Bool) throws(KinesisError) {
        guard depth < Self.maximumDepth else { throw scanner.malformed("nested too deeply") }
        switch scanner.peek() {
        case UInt8(ascii: "\""): append(text: try string())
        case UInt8(ascii: "{"):
            try scanner.expect(UInt8(ascii: "{"))
            // Lengths are not known beforehand: a break ends the map.
            output.append(0xBF)
            if !scanner.skip(UInt8(ascii: "}")) {
                repeat {
                    let name = try string()
                    append(text: name)
                    try scanner.expect(UInt8(ascii: ":"))
                    try value(depth: depth + 1, isMoment: name.hasSuffix(Self.momentSuffix))
                } while try scanner.nextMember(closing: UInt8(ascii: "}"))
            }
            output.append(0xFF)
        case UInt8(ascii: "["):
            try scanner.expect(UInt8(ascii: "["))
            output.append(0x9F)
            if !scanner.skip(UInt8(ascii: "]")) {
                repeat {
                    try value(depth: depth + 1, isMoment: false)
                } while try scanner.nextMember(
                    closing: UInt8(ascii: "]")
                )
            }
            output.append(0xFF)
        default: try scalar(isMoment: isMoment)
        }
    }

    private mutating func scalar(isMoment: Bool) throws(KinesisError) {
        let text = String(decoding: scanner.bytes(of: try scanner.scalar()), as: UTF8.self)
        switch text {
        case "true": output.append(0xF5)
        case "false": output.append(0xF4)
        case "null": output.append(0xF6)
        default:
            if isMoment, let seconds = Double(text) {
                append { $0.append(Timestamp(milliseconds: Int64((seconds * 1_000).rounded()))) }
            } else if let whole = Int64(text) {
                append { $0.append(whole) }
            } else if let fraction = Double(text) {
                output.append(0xFB)
                withUnsafeBytes(of: fraction.bitPattern.bigEndian) { output += $0 }
            } else {
                throw scanner.malformed("expected a number")
            }
        }
    }

    private mutating func string() throws(KinesisError) -> String {
        let text = try scanner.string()
        let source = scanner.bytes(of: text)
        var isValid = source.isEmpty
        let bytes = [UInt8](unsafeUninitializedCapacity: source.count) { buffer, count in
            guard let base = buffer.baseAddress else { return }
            let copied = JSONUnescaping.copy(
                source,
                hasEscapes: text.hasEscapes,
                to: UnsafeMutableRawPointer(base)
            )
            isValid = copied != nil
            count = copied?.bytes ?? 0
        }
        guard isValid else { throw scanner.malformed("a string that is no text") }
        return String(decoding: bytes, as: UTF8.self)
    }

    private mutating func append(text: String) {
        append(capacity: CBOROutput.headBytes + text.utf8.count) { $0.append(text: text) }
    }

    private mutating func append(
        capacity: Int = 2 * CBOROutput.headBytes,
        _ write: (inout CBOROutput) -> Void
    ) {
        output += [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
            guard let base = buffer.baseAddress else { return }
            var target = CBOROutput(UnsafeMutableRawPointer(base))
            write(&target)
            count = target.writtenBytes
        }
    }
}
