import CCurl
import Synchronization

/// One request on its way: what was sent, what has arrived, and who waits for it.
///
/// Unchecked: the parts without a lock belong to the thread that carries the transfer out, until it has ended.
final class HTTPTransfer: @unchecked Sendable {
    /// A length that a server announces is believed up to here; more grows as it arrives.
    private static let maximumReservedBytes = 64 << 20
    /// Of a body that is read bit by bit: more waits at the server.
    private static let maximumBufferedBytes = 1 << 20

    typealias Answer = Result<ClientResponse, any Error>

    let request: ClientRequest
    let limits: HTTPClient.Limits
    private let signing: AWSSigning?
    private let caFile: String?
    private let sentBody: UnsafeMutableRawBufferPointer
    /// The body is read while it arrives.
    private let isStreamed: Bool

    /// Set by the thread that carries the transfer out, and used by no other.
    var handle: CurlHandle?
    private var head = ReplyHead()
    private var body: [UInt8] = []
    private var receivedBytes = 0
    private var isTooLong = false

    fileprivate struct Shared {
        var answer: Answer?
        var waiter: CheckedContinuation<ClientResponse, any Error>?
        /// Of a body that is read bit by bit.
        var chunks: [UInt8] = []
        var isPaused = false
        var end: Result<Void, any Error>?
        var reader: CheckedContinuation<Void, Never>?
    }
    private let shared = Mutex(Shared())

    init(
        _ request: ClientRequest,
        signing: AWSSigning?,
        limits: HTTPClient.Limits,
        caFile: String?,
        isStreamed: Bool = false
    ) {
        self.request = request
        self.signing = signing
        self.limits = limits
        self.caFile = caFile
        self.isStreamed = isStreamed
        sentBody = .allocate(byteCount: request.body.count, alignment: 1)
        sentBody.copyBytes(from: request.body)
    }

    deinit {
        sentBody.deallocate()
    }

    /// Makes the handle ready; the transfer must be retained until it has ended.
    ///
    /// - Parameter isShared: Connections are kept for all clients of the process, not for one.
    func prepare(_ handle: CurlHandle, isShared: Bool) {
        self.handle = handle
        handle.prepare(
            request,
            body: UnsafeRawBufferPointer(sentBody),
            signing: signing,
            limits: limits,
            caFile: caFile,
            // A body that is paused would hold up, and with libcurl 7.88 break, the others of its connection. And clients
            // that trust a file of their own must not go by what another found trustworthy earlier.
            hasOwnConnection: isStreamed || (caFile != nil && isShared),
            sinks: (Self.takeHeader, Self.takeBody, Unmanaged.passUnretained(self).toOpaque())
        )
    }

    /// What became of it, once libcurl has ended it.
    func result(_ code: CURLcode) -> Answer {
        guard !isTooLong else {
            let reason = "the answer exceeds \(limits.responseBytes) bytes"
            return .failure(HTTPFailure.failed(url: request.url, reason: reason))
        }
        guard let handle, code == CURLE_OK else {
            let failure = handle?.failure(code, url: request.url, limits: limits)
            return .failure(failure ?? .failed(url: request.url, reason: "libcurl could not start"))
        }
        return .success(ClientResponse(status: handle.status, headers: head.headers, body: body))
    }
}

// MARK: - What arrives

extension HTTPTransfer {
    private static let takeHeader: millrace_curl_sink = { bytes, size, count, context in
        guard let bytes, let context else { return 0 }
        return Unmanaged<HTTPTransfer>.fromOpaque(context).takeUnretainedValue()
            .take(header: UnsafeRawBufferPointer(start: bytes, count: size * count))
    }

    private static let takeBody: millrace_curl_sink = { bytes, size, count, context in
        guard let bytes, let context else { return 0 }
        return Unmanaged<HTTPTransfer>.fromOpaque(context).takeUnretainedValue()
            .take(body: UnsafeRawBufferPointer(start: bytes, count: size * count))
    }

    private func take(header line: UnsafeRawBufferPointer) -> Int {
        guard hasRoom(for: line.count) else { return 0 }
        head.take(line: line)
        return line.count
    }

    private func take(body chunk: UnsafeRawBufferPointer) -> Int {
        // An answer that says no is short, and read as a whole.
        if isStreamed, let handle, (200..<300).contains(handle.status) { return stream(chunk, handle) }
        guard hasRoom(for: chunk.count) else { return 0 }
        if body.isEmpty, let length = head.contentLength, length <= Self.maximumReservedBytes {
            body.reserveCapacity(length)
        }
        body.append(contentsOf: chunk)
        return chunk.count
    }

    /// Counts what has arrived; taking nothing of it ends the transfer.
    private func hasRoom(for count: Int) -> Bool {
        receivedBytes += count
        isTooLong = receivedBytes > limits.responseBytes
        return !isTooLong
    }

    private func stream(_ chunk: UnsafeRawBufferPointer, _ handle: CurlHandle) -> Int {
        let response = ClientResponse(status: handle.status, headers: head.headers, body: [])
        let (isTaken, waiter, reader) = shared.withLock { shared in
            let waiter = shared.takeWaiter(answering: .success(response))
            guard shared.chunks.count < Self.maximumBufferedBytes else {
                shared.isPaused = true
                return (false, waiter, shared.takeReader())
            }
            shared.chunks.append(contentsOf: chunk)
            return (true, waiter, shared.takeReader())
        }
        waiter?.resume(returning: response)
        reader?.resume()
        return isTaken ? chunk.count : Int(CURL_WRITEFUNC_PAUSE)
    }
}

extension HTTPTransfer.Shared {
    fileprivate mutating func takeWaiter(
        answering answer: HTTPTransfer.Answer
    ) -> CheckedContinuation<ClientResponse, any Error>? {
        if self.answer == nil { self.answer = answer }
        defer { waiter = nil }
        return waiter
    }

    fileprivate mutating func takeReader() -> CheckedContinuation<Void, Never>? {
        defer { reader = nil }
        return reader
    }
}

// MARK: - Who waits

extension HTTPTransfer {
    /// Ends the transfer for everyone who waits for it; what comes later changes nothing.
    func finish(_ result: Answer) {
        let (answer, waiter, reader) = shared.withLock { shared in
            let waiter = shared.takeWaiter(answering: result)
            if shared.end == nil { shared.end = result.map { _ in } }
            return (shared.answer ?? result, waiter, shared.takeReader())
        }
        waiter?.resume(with: answer)
        reader?.resume()
    }

    /// Nobody waits for what may still come.
    var isOver: Bool { shared.withLock { $0.end != nil } }

    /// The answer; of a streamed body its head.
    func answer() async throws -> ClientResponse {
        try await withCheckedThrowingContinuation { continuation in
            let answer = shared.withLock { shared -> Answer? in
                if shared.answer == nil { shared.waiter = continuation }
                return shared.answer
            }
            if let answer { continuation.resume(with: answer) }
        }
    }

    /// What has arrived of a streamed body since the last call.
    ///
    /// - Returns: The bytes, and whether the transfer was paused for want of room; `nil` at the end.
    func nextChunk() async throws -> (bytes: [UInt8], wasPaused: Bool)? {
        while true {
            let taken = try shared.withLock { shared -> (bytes: [UInt8], wasPaused: Bool)? in
                if !shared.chunks.isEmpty {
                    defer { (shared.chunks, shared.isPaused) = ([], false) }
                    return (shared.chunks, shared.isPaused)
                }
                try shared.end?.get()
                return nil
            }
            if let taken { return taken }
            if shared.withLock({ $0.chunks.isEmpty && $0.end != nil }) { return nil }
            await withCheckedContinuation { continuation in
                let isReady = shared.withLock { shared -> Bool in
                    if !shared.chunks.isEmpty || shared.end != nil { return true }
                    shared.reader = continuation
                    return false
                }
                if isReady { continuation.resume() }
            }
        }
    }
}
