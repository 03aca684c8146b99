/// What a plugin may send to the host.
package enum PluginMessage: Hashable, Sendable {
    /// The first frame: the function is ready, or says why it could not be made.
    case hello(initError: String?)
    case answer(PluginAnswer)

    /// The hello frame, whole: status (4) and text after the prefix.
    package static func helloFrame(initError: String?) -> [UInt8] {
        var frame = PluginFrame.begin(.hello, capacity: 4)
        frame.append(little: UInt32(initError == nil ? 0 : 1))
        if let initError { frame += PluginFrame.bounded(initError) }
        PluginFrame.finish(&frame)
        return frame
    }
}

/// Puts a plugin's messages together from the pieces in which they arrive.
package struct PluginMessageReader: Sendable {
    /// A hello, or an answer with the longest state, which is longer than the two longest texts.
    private static let maximumBytes = PluginFrame.maximumStateBytes + 64

    private var buffer: [UInt8] = []
    private var start = 0

    package init() {}

    package mutating func append(_ bytes: UnsafeRawBufferPointer) {
        // Also when a message is cut: a plugin that never pauses may never end one at the end of a read.
        buffer.removeFirst(start)
        start = 0
        buffer += bytes
    }

    /// - Returns: The next whole message, or `nil` when more bytes are needed.
    package mutating func next() throws(PluginFrameError) -> PluginMessage? {
        // The closure returns a result because typed errors do not pass through `withUnsafeBytes`.
        let step = buffer.withUnsafeBytes { Self.read(UnsafeRawBufferPointer(rebasing: $0[start...])) }
        let (message, length) = try step.get()
        start += length
        return message
    }

    private static func read(
        _ bytes: UnsafeRawBufferPointer
    ) -> Result<(PluginMessage?, length: Int), PluginFrameError> {
        guard bytes.count >= PluginFrame.prefixBytes else { return .success((nil, 0)) }
        do throws(PluginFrameError) {
            let prefix = try PluginFrame.Prefix(bytes)
            guard prefix.length <= maximumBytes else {
                throw .malformed("message of \(prefix.length) bytes, the limit is \(maximumBytes)")
            }
            let end = PluginFrame.prefixBytes + prefix.length
            guard bytes.count >= end else { return .success((nil, 0)) }
            let body = UnsafeRawBufferPointer(rebasing: bytes[PluginFrame.prefixBytes..<end])
            return .success((try message(prefix.kind, body), end))
        } catch {
            return .failure(error)
        }
    }

    private static func message(
        _ kind: PluginFrame.Kind,
        _ body: UnsafeRawBufferPointer
    ) throws(PluginFrameError) -> PluginMessage {
        switch kind {
        case .answer: return .answer(try PluginAnswer(body: body))
        case .invocation: throw .malformed("an invocation from the plugin")
        case .hello:
            guard body.count >= 4 else { throw .malformed("hello of \(body.count) bytes") }
            let isReady = body.little(at: 0, as: UInt32.self) == 0
            return .hello(initError: isReady ? nil : String(decoding: body[4...], as: UTF8.self))
        }
    }
}
