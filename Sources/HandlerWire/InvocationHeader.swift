package import StreamCore

/// An invocation as the plugin finds it: what the frame says beside the records, and where these lie in it.
package struct InvocationHeader: Hashable, Sendable {
    package let number: UInt64
    package let timeout: Duration
    package let requestID: String
    package let streamARN: String
    package let shardID: String
    package let functionARN: String
    package let window: WindowContext?
    package let recordCount: Int
    /// Where the index begins, counted from the end of the frame's prefix; a multiple of eight.
    package let entriesStart: Int
    /// Where the data begins, counted likewise.
    package let dataStart: Int
    /// Subtracted from an entry's offset to get its place in the data.
    package let baseOffset: UInt32

    /// Reads what follows the prefix of an invocation, and checks that every record lies inside it.
    package init(body: UnsafeRawBufferPointer) throws(PluginFrameError) {
        let fixedBytes = InvocationFrame.headerBytes - PluginFrame.prefixBytes
        guard body.count >= fixedBytes else { throw .malformed("invocation of \(body.count) bytes") }
        number = body.little(at: 0, as: UInt64.self)
        timeout = .milliseconds(body.little(at: 8, as: UInt32.self))
        recordCount = Int(body.little(at: 12, as: UInt32.self))
        baseOffset = body.little(at: 16, as: UInt32.self)
        let dataBytes = Int(body.little(at: 20, as: UInt32.self))
        let lengths = (0..<4).map { Int(body.little(at: 24 + 2 * $0, as: UInt16.self)) }
        let flags = body.little(at: 32, as: UInt32.self)
        let hasWindow = flags & InvocationFrame.Flag.window != 0
        let stateBytes = Int(body.little(at: 36, as: UInt32.self))

        let textEnd = fixedBytes + lengths.reduce(0, +)
        let windowEnd = textEnd + (hasWindow ? InvocationFrame.windowBytes + stateBytes : 0)
        entriesStart = (windowEnd + 7) / 8 * 8
        dataStart = entriesStart + recordCount * InvocationFrame.entryBytes
        guard dataStart + dataBytes == body.count else {
            throw .malformed("invocation of \(body.count) bytes where \(dataStart + dataBytes) are announced")
        }

        var textStart = fixedBytes
        var texts: [String] = []
        for length in lengths {
            texts.append(String(decoding: body[textStart..<textStart + length], as: UTF8.self))
            textStart += length
        }
        window = hasWindow ? Self.window(body[textEnd..<windowEnd], flags) : nil
        (requestID, streamARN, shardID, functionARN) = (texts[0], texts[1], texts[2], texts[3])
        try checkEntries(in: body, dataBytes: dataBytes)
    }

    private static func window(_ slice: Slice<UnsafeRawBufferPointer>, _ flags: UInt32) -> WindowContext {
        let bytes = UnsafeRawBufferPointer(rebasing: slice)
        return WindowContext(
            start: Timestamp(milliseconds: bytes.little(at: 0, as: Int64.self)),
            end: Timestamp(milliseconds: bytes.little(at: 8, as: Int64.self)),
            state: Array(bytes[InvocationFrame.windowBytes...]),
            isFinal: flags & InvocationFrame.Flag.isFinal != 0,
            isTerminatedEarly: flags & InvocationFrame.Flag.isTerminatedEarly != 0
        )
    }

    private func checkEntries(in body: UnsafeRawBufferPointer, dataBytes: Int) throws(PluginFrameError) {
        for index in 0..<recordCount {
            let entry = body.loadUnaligned(
                fromByteOffset: entriesStart + index * InvocationFrame.entryBytes,
                as: RecordEntry.self
            )
            let start = Int(entry.offset) - Int(baseOffset)
            guard start >= 0, start + entry.dataBytes <= dataBytes else {
                throw .malformed("record \(index) of the batch lies outside of its data")
            }
        }
    }
}
