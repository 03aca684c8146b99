/// Puts HTTP/1.1 requests of a Lambda runtime together from the pieces in which they arrive.
package struct RuntimeAPIRequestParser: Sendable {
    package enum Event: Hashable, Sendable {
        /// The runtime waits for `100 Continue` before it sends the body.
        case expectsContinue
        case request(RuntimeAPIRequest)
    }

    /// A head holds the X-Ray cause of an error, which can be 1 MiB.
    package static let maximumHeadBytes = 2 << 20
    /// Lambda's limit for a response: 6 MB and 100 bytes for its envelope.
    package static let maximumBodyBytes = (6 << 20) + 100

    /// Longest body that is kept for an error: more than any stack trace worth keeping.
    package static let maximumErrorBytes = 256 << 10

    private static let maximumLineBytes = 64 << 10

    /// Whether the bodies of responses are kept; they are counted in any case.
    package var keepsResponses = true

    private enum Phase {
        case head
        case body(remaining: Int)
        case chunkSize
        case chunk(remaining: Int)
        /// The line break after a chunk's data.
        case chunkEnd
        case trailers
    }

    private var buffer: [UInt8] = []
    private var start = 0
    /// Up to here the lines of a head were looked at, so that a long one is searched once.
    private var searched = 0
    private var phase = Phase.head
    private var head: RuntimeAPIRequestHead?
    private var body: [UInt8] = []
    private var bodyBytes = 0

    package init() {}

    package mutating func append(_ bytes: UnsafeRawBufferPointer) {
        if start == buffer.count {
            buffer.removeAll(keepingCapacity: buffer.capacity <= 1 << 20)
        } else {
            buffer.removeFirst(start)
        }
        searched = max(0, searched - start)
        start = 0
        buffer += bytes
    }

    /// Bytes that came and that no request has been made of yet.
    package var bufferedBytes: Int { buffer.count - start }

    /// - Returns: The next event, or `nil` when more bytes are needed.
    /// - Throws: When the connection cannot go on.
    package mutating func next() throws(RuntimeAPIProtocolError) -> Event? {
        while true {
            switch phase {
            case .head:
                guard let bytes = try takeHead() else { return nil }
                if try begin(bytes) { return .expectsContinue }
            case .body(let remaining):
                let rest = takeBody(remaining)
                phase = .body(remaining: rest)
                guard rest == 0 else { return nil }
                return finish()
            case .chunkSize:
                guard let line = try takeLine() else { return nil }
                phase = try Self.chunk(line)
            case .chunk(let remaining):
                let rest = takeBody(remaining)
                phase = rest == 0 ? .chunkEnd : .chunk(remaining: rest)
                guard rest == 0 else { return nil }
            case .chunkEnd:
                guard let line = try takeLine() else { return nil }
                guard line.isEmpty else {
                    throw RuntimeAPIProtocolError(status: 400, reason: "chunk longer than its size")
                }
                phase = .chunkSize
            case .trailers:
                guard let line = try takeLine() else { return nil }
                if line.isEmpty { return finish() }
            }
        }
    }

    /// Starts the request whose head was read.
    ///
    /// - Returns: Whether the runtime waits to be told to go on.
    private mutating func begin(_ bytes: ArraySlice<UInt8>) throws(RuntimeAPIProtocolError) -> Bool {
        let parsed = bytes.withUnsafeBytes { bytes in
            Result { () throws(RuntimeAPIProtocolError) in try RuntimeAPIRequestHead(bytes) }
        }
        let head = try parsed.get()
        self.head = head
        switch head.framing {
        case .length(let length): phase = .body(remaining: length)
        case .chunked: phase = .chunkSize
        }
        return head.expectsContinue
    }

    private mutating func finish() -> Event? {
        guard let head else { return nil }
        defer {
            self.head = nil
            body = []
            bodyBytes = 0
            phase = .head
        }
        return .request(
            RuntimeAPIRequest(
                route: head.route,
                errorType: head.errorType,
                body: body,
                bodyBytes: bodyBytes,
                isKeptAlive: head.isKeptAlive
            )
        )
    }

    /// Takes everything up to an empty line; empty lines before a request are passed over.
    private mutating func takeHead() throws(RuntimeAPIProtocolError) -> ArraySlice<UInt8>? {
        while searched == start, let first = buffer[start...].first, first == 0x0D || first == 0x0A {
            start += 1
            searched = start
        }
        while let lineEnd = buffer[searched...].firstIndex(of: 0x0A) {
            let line = buffer[searched..<lineEnd]
            searched = lineEnd + 1
            guard line.isEmpty || line.elementsEqual(CollectionOfOne(0x0D)) else { continue }
            defer { start = searched }
            return buffer[start..<line.startIndex]
        }
        // Only whole lines were searched; the one that is still growing begins where the last line ended.
        guard buffer.count - start <= Self.maximumHeadBytes else {
            throw RuntimeAPIProtocolError(
                status: 431,
                reason: "request head over \(Self.maximumHeadBytes) bytes"
            )
        }
        return nil
    }

    /// Takes a line of the chunked coding without its end.
    private mutating func takeLine() throws(RuntimeAPIProtocolError) -> ArraySlice<UInt8>? {
        guard let lineEnd = buffer[start...].firstIndex(of: 0x0A) else {
            guard buffer.count - start <= Self.maximumLineBytes else {
                throw RuntimeAPIProtocolError(status: 400, reason: "line over \(Self.maximumLineBytes) bytes")
            }
            return nil
        }
        var line = buffer[start..<lineEnd]
        if line.last == 0x0D { line.removeLast() }
        start = lineEnd + 1
        searched = start
        return line
    }

    /// Takes up to `limit` bytes of the body and keeps them while they are within the limit of a response.
    ///
    /// - Returns: How many of them are still to come.
    private mutating func takeBody(_ limit: Int) -> Int {
        let taken = min(limit, buffer.count - start)
        let kept = min(taken, max(0, keptBodyBytes - body.count))
        body += buffer[start..<start + kept]
        bodyBytes += taken
        start += taken
        searched = start
        return limit - taken
    }

    private var keptBodyBytes: Int {
        switch head?.route {
        case .response: keepsResponses ? Self.maximumBodyBytes : 0
        case .error, .initError: Self.maximumErrorBytes
        default: 0
        }
    }

    private static func chunk(_ line: ArraySlice<UInt8>) throws(RuntimeAPIProtocolError) -> Phase {
        let digits = line.prefix { $0 != UInt8(ascii: ";") && $0 != UInt8(ascii: " ") }
        guard let size = Int(String(decoding: digits, as: UTF8.self), radix: 16), size >= 0 else {
            throw RuntimeAPIProtocolError(status: 400, reason: "malformed chunk size")
        }
        return size == 0 ? .trailers : .chunk(remaining: size)
    }
}
