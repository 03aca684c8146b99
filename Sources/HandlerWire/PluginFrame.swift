/// What host and plugin say to each other: frames with a length, a kind and the version of the protocol.
///
/// Every number is little-endian. A frame begins with eight bytes: how many bytes follow these eight (4), the kind
/// (1), the version (1), zero (2). The plugin says hello once; then the host sends invocations, several at a time
/// if it likes, and the plugin answers them in the order they came.
package enum PluginFrame {
    /// 2 brought tumbling windows and their state.
    package static let version: UInt8 = 2
    package static let prefixBytes = 8
    /// Longest frame that either side accepts.
    package static let maximumBytes = 64 << 20
    /// Longest error text, in bytes; the rest is cut.
    package static let maximumTextBytes = 64 << 10
    /// Longest state of a tumbling window that a plugin may return, as Lambda's limit for a response is.
    package static let maximumStateBytes = 6 << 20

    package enum Kind: UInt8, Sendable {
        case hello = 1
        case invocation = 2
        case answer = 3
    }

    /// The first eight bytes of a frame.
    package struct Prefix: Hashable, Sendable {
        package let kind: Kind
        /// Bytes that follow the prefix.
        package let length: Int

        /// - Throws: When the kind is unknown, the version another one or the length past the limit.
        package init(_ bytes: UnsafeRawBufferPointer) throws(PluginFrameError) {
            precondition(bytes.count >= PluginFrame.prefixBytes, "a prefix is read whole")
            let version = bytes[5]
            guard version == PluginFrame.version else { throw .version(version) }
            guard let kind = Kind(rawValue: bytes[4]) else {
                throw .malformed("frame of unknown kind \(bytes[4])")
            }
            let length = Int(bytes.little(at: 0, as: UInt32.self))
            guard length <= PluginFrame.maximumBytes else { throw .malformed("frame of \(length) bytes") }
            self.kind = kind
            self.length = length
        }
    }

    /// A prefix with room for `capacity` bytes after it, whose length `finish` fills in.
    static func begin(_ kind: Kind, capacity: Int) -> [UInt8] {
        var frame: [UInt8] = []
        frame.reserveCapacity(prefixBytes + capacity)
        frame += [0, 0, 0, 0, kind.rawValue, version, 0, 0]
        return frame
    }

    /// Fills in the length of a frame of which `extra` bytes are sent from elsewhere.
    static func finish(_ frame: inout [UInt8], extra: Int = 0) {
        let length = UInt32(frame.count - prefixBytes + extra)
        frame.withUnsafeMutableBytes { $0.storeBytes(of: length.littleEndian, as: UInt32.self) }
    }

    /// The text's UTF-8, cut to the limit without splitting a character.
    static func bounded(_ text: String) -> ArraySlice<UInt8> {
        let bytes = Array(text.utf8)
        guard bytes.count > maximumTextBytes else { return bytes[...] }
        var end = maximumTextBytes
        while end > 0, bytes[end] & 0xC0 == 0x80 { end -= 1 }
        return bytes[..<end]
    }
}

/// Why a frame cannot be read.
package enum PluginFrameError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The other side was built against another version of the protocol.
    case version(UInt8)
    case malformed(String)

    package var description: String {
        switch self {
        case .version(let version):
            "frame protocol version \(version), where version \(PluginFrame.version) is expected"
        case .malformed(let what): what
        }
    }
}

extension [UInt8] {
    mutating func append(little value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.littleEndian) { self += $0 }
    }
}

extension UnsafeRawBufferPointer {
    func little<Value: FixedWidthInteger>(at offset: Int, as type: Value.Type) -> Value {
        Value(littleEndian: loadUnaligned(fromByteOffset: offset, as: type))
    }
}
