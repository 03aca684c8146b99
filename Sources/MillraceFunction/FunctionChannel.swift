import Glibc
import HandlerWire

/// The host's end of the line, as the plugin sees it: blocking, one frame after the other.
struct FunctionChannel {
    let descriptor: Int32

    /// An invocation and the memory that its records lie in.
    struct Invocation {
        let header: InvocationHeader
        let buffer: FrameBuffer
    }

    /// Waits for the next invocation.
    ///
    /// - Parameter spare: Memory to use again when it is large enough and nobody else holds it.
    /// - Returns: `nil` when the host has closed the channel.
    func nextInvocation(reusing spare: inout FrameBuffer?) throws(PluginFrameError) -> Invocation? {
        let prefix = try withUnsafeTemporaryAllocation(byteCount: PluginFrame.prefixBytes, alignment: 8) {
            bytes in
            Result<PluginFrame.Prefix?, PluginFrameError> { () throws(PluginFrameError) in
                guard read(into: bytes) else { return nil }
                return try PluginFrame.Prefix(UnsafeRawBufferPointer(bytes))
            }
        }.get()
        guard let prefix else { return nil }
        guard prefix.kind == .invocation else { throw .malformed("a \(prefix.kind) frame from the host") }

        let buffer = takeBuffer(length: prefix.length, spare: &spare)
        let body = UnsafeMutableRawBufferPointer(start: buffer.base, count: prefix.length)
        guard read(into: body) else { return nil }
        return Invocation(header: try InvocationHeader(body: UnsafeRawBufferPointer(body)), buffer: buffer)
    }

    /// - Returns: `false` when the host is gone.
    func send(_ frame: [UInt8]) -> Bool {
        frame.withUnsafeBytes { bytes in
            var sent = 0
            while sent < bytes.count {
                let length = Glibc.send(
                    descriptor,
                    bytes.baseAddress.map { $0 + sent },
                    bytes.count - sent,
                    Int32(MSG_NOSIGNAL)
                )
                guard length > 0 || errno == EINTR else { return false }
                sent += max(0, length)
            }
            return true
        }
    }

    private func takeBuffer(length: Int, spare: inout FrameBuffer?) -> FrameBuffer {
        if isKnownUniquelyReferenced(&spare), let buffer = spare, buffer.capacity >= length,
            buffer.capacity <= max(4 * length, 1 << 20)
        {
            spare = nil
            return buffer
        }
        spare = nil
        return FrameBuffer(capacity: length + length / 4)
    }

    /// - Returns: `false` when the channel ends before `target` is full.
    private func read(into target: UnsafeMutableRawBufferPointer) -> Bool {
        var filled = 0
        while filled < target.count {
            let length = Glibc.read(descriptor, target.baseAddress.map { $0 + filled }, target.count - filled)
            if length < 0, errno == EINTR { continue }
            guard length > 0 else { return false }
            filled += length
        }
        return true
    }
}
