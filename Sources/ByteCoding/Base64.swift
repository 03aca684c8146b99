import CBytes

/// Standard base64 (RFC 4648, section 4), padded, as JSON APIs carry bytes.
package enum Base64 {
    /// How many characters `count` bytes become.
    @inline(__always)
    package static func encodedBytes(of count: Int) -> Int { (count + 2) / 3 * 4 }

    /// Room that decoding `count` characters needs; the result may be up to two bytes shorter.
    @inline(__always)
    package static func decodedCapacity(of count: Int) -> Int { count / 4 * 3 }

    /// Writes the text to `target`, which has room for `encodedBytes(of: bytes.count)`.
    ///
    /// - Returns: How many bytes were written.
    @inline(__always)
    package static func encode(_ bytes: UnsafeRawBufferPointer, to target: UnsafeMutableRawPointer) -> Int {
        guard let source = bytes.baseAddress else { return 0 }
        return millrace_base64_encode(
            source.assumingMemoryBound(to: UInt8.self),
            bytes.count,
            target.assumingMemoryBound(to: UInt8.self)
        )
    }

    /// Writes the bytes to `target`, which has room for `decodedCapacity(of: text.count)`.
    ///
    /// - Returns: How many bytes were written; `nil` when the text is not base64.
    @inline(__always)
    package static func decode(_ text: UnsafeRawBufferPointer, to target: UnsafeMutableRawPointer) -> Int? {
        guard let source = text.baseAddress else { return 0 }
        let count = millrace_base64_decode(
            source.assumingMemoryBound(to: UInt8.self),
            text.count,
            target.assumingMemoryBound(to: UInt8.self)
        )
        return count < 0 ? nil : count
    }

    package static func encode(_ bytes: [UInt8]) -> String {
        let capacity = encodedBytes(of: bytes.count)
        return String(unsafeUninitializedCapacity: capacity) { target in
            guard let base = target.baseAddress else { return 0 }
            return bytes.withUnsafeBytes { encode($0, to: UnsafeMutableRawPointer(base)) }
        }
    }

    /// - Returns: `nil` when the text is not base64.
    package static func decode(_ text: String) -> [UInt8]? {
        var text = text
        var isValid = true
        let bytes = text.withUTF8 { text in
            [UInt8](unsafeUninitializedCapacity: decodedCapacity(of: text.count) + 1) { target, count in
                guard let base = target.baseAddress else { return }
                let decoded = decode(UnsafeRawBufferPointer(text), to: UnsafeMutableRawPointer(base))
                isValid = decoded != nil
                count = decoded ?? 0
            }
        }
        return isValid ? bytes : nil
    }
}
