/// Sends frames of HTTP/2 (RFC 9113) exactly as a test says, and reads those that come back.
final class RawHTTP2Client {
    struct Frame {
        let type: UInt8
        let flags: UInt8
        let stream: UInt32
        let payload: [UInt8]

        var isLast: Bool { flags & 1 != 0 }
        /// That of an answer, and 0 in other frames: HPACK has a byte for the usual ones.
        var status: Int {
            guard type == FrameType.headers, let first = payload.first else { return 0 }
            let indexed: [UInt8: Int] = [0x88: 200, 0x8C: 400, 0x8D: 404]
            return indexed[first] ?? 0
        }
    }

    enum FrameType {
        static let data: UInt8 = 0
        static let headers: UInt8 = 1
        static let reset: UInt8 = 3
        static let settings: UInt8 = 4
        static let ping: UInt8 = 6
        static let goAway: UInt8 = 7
        static let windowUpdate: UInt8 = 8
    }

    static let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

    private let client: RawClient
    private var received: [UInt8] = []

    /// Sends preface and settings, and accepts the server's: its limits count from then on.
    init(port: Int) async throws {
        client = try RawClient(port: port)
        client.send(Self.preface)
        send(FrameType.settings)
        _ = await next(FrameType.settings)
        send(FrameType.settings, flags: 1)
    }

    @discardableResult
    func send(_ type: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8] = []) -> Bool {
        var frame = Array(UInt32(payload.count).bigEndianBytes.dropFirst())
        frame += [type, flags]
        frame += stream.bigEndianBytes
        return client.send(frame + payload)
    }

    /// Sends the header of a request, each field as text.
    @discardableResult
    func request(
        _ stream: UInt32,
        _ path: String = "/",
        authority: String? = "h",
        headers: [(String, String)] = [],
        hasBody: Bool = false
    ) -> Bool {
        var fields = [(":method", hasBody ? "POST" : "GET"), (":scheme", "http"), (":path", path)]
        if let authority { fields.append((":authority", authority)) }
        var block: [UInt8] = []
        for (name, value) in fields + headers {
            block.append(0)
            block += Self.text(name)
            block += Self.text(value)
        }
        return send(FrameType.headers, flags: hasBody ? 4 : 5, stream: stream, block)
    }

    /// The next frame; `nil` when the connection has ended.
    func next() async -> Frame? {
        while true {
            if let frame = takeFrame() { return frame }
            let bytes = await client.readSome()
            guard !bytes.isEmpty else { return nil }
            received += bytes
        }
    }

    /// The next frame of this type, of this stream.
    func next(_ type: UInt8, of stream: UInt32 = 0) async -> Frame? {
        while let frame = await next() {
            if frame.type == type, frame.stream == stream { return frame }
        }
        return nil
    }

    private func takeFrame() -> Frame? {
        guard received.count >= 9 else { return nil }
        let length = received[0..<3].reduce(0) { $0 << 8 | Int($1) }
        guard received.count >= 9 + length else { return nil }
        defer { received.removeFirst(9 + length) }
        return Frame(
            type: received[3],
            flags: received[4],
            stream: received[5..<9].reduce(0) { $0 << 8 | UInt32($1) },
            payload: Array(received[9..<9 + length])
        )
    }

    /// A string of HPACK, with its length in as many bytes as it takes.
    private static func text(_ text: String) -> [UInt8] {
        var rest = text.utf8.count
        guard rest >= 127 else { return [UInt8(rest)] + text.utf8 }
        var bytes: [UInt8] = [127]
        rest -= 127
        while rest >= 128 {
            bytes.append(UInt8(rest % 128) | 128)
            rest /= 128
        }
        return bytes + [UInt8(rest)] + text.utf8
    }
}

extension UInt32 {
    var bigEndianBytes: [UInt8] { withUnsafeBytes(of: bigEndian) { Array($0) } }
}
