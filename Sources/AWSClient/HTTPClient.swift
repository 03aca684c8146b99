import CCurl
import Synchronization

/// Sends HTTP requests and keeps connections open for the next ones.
///
/// Safe to use from many threads and tasks. Over TLS it speaks HTTP/2 where the server offers it.
package final class HTTPClient: Sendable {
    /// What one request may take.
    package struct Limits: Hashable, Sendable {
        /// From the beginning, waiting for a connection included, to the end of the answer.
        package let time: Duration
        /// Of the answer, header lines included; of a body that is read bit by bit only the head counts.
        package let responseBytes: Int
        /// Until a connection is made.
        package let connecting: Duration
        /// How long a server may send nothing at all, in whole seconds; `nil` leaves it to `time`.
        package let silence: Duration?

        package init(
            time: Duration = .seconds(30),
            responseBytes: Int = 256 << 20,
            connecting: Duration = .seconds(30),
            silence: Duration? = nil
        ) {
            self.time = time
            self.responseBytes = responseBytes
            self.connecting = connecting
            self.silence = silence
        }
    }

    /// Most connections of blocking calls that are kept while idle.
    private static let maximumIdle = 32

    private let limits: Limits
    private let caFile: String?
    private let idle = Mutex<[CurlHandle]>([])

    /// - Parameter caFile: Certificates in PEM form to trust; `nil` for those of the system.
    package init(limits: Limits = Limits(), caFile: String? = nil) {
        self.limits = limits
        self.caFile = caFile
    }

    /// - Parameter timeout: The longest one request may take, connecting included.
    package convenience init(timeout: Duration, caFile: String? = nil) {
        self.init(limits: Limits(time: timeout), caFile: caFile)
    }

    /// Sends the request.
    ///
    /// - Parameter limits: In place of the client's own.
    /// - Throws: `HTTPFailure`, or `CancellationError`. Cancelling the task ends the request.
    package func send(
        _ request: ClientRequest,
        signing: AWSSigning? = nil,
        limits: Limits? = nil
    ) async throws -> ClientResponse {
        try await Self.answer(to: transfer(request, signing, limits, isStreamed: false))
    }

    /// Sends the request and returns as soon as the answer's body begins, which is then read bit by bit.
    ///
    /// An answer that says no comes with its whole body in `head`.
    package func stream(
        _ request: ClientRequest,
        signing: AWSSigning? = nil,
        limits: Limits? = nil
    ) async throws -> HTTPStream {
        let transfer = transfer(request, signing, limits, isStreamed: true)
        return HTTPStream(head: try await Self.answer(to: transfer), transfer: transfer)
    }

    private func transfer(
        _ request: ClientRequest,
        _ signing: AWSSigning?,
        _ limits: Limits?,
        isStreamed: Bool
    ) -> HTTPTransfer {
        HTTPTransfer(
            request,
            signing: signing,
            limits: limits ?? self.limits,
            caFile: caFile,
            isStreamed: isStreamed
        )
    }

    private static func answer(to transfer: HTTPTransfer) async throws -> ClientResponse {
        try await withTaskCancellationHandler {
            try Task.checkCancellation()
            TransferLoop.shared.begin(transfer)
            return try await transfer.answer()
        } onCancel: {
            TransferLoop.shared.cancel(transfer)
        }
    }

    /// Sends the request and blocks the calling thread until it is answered.
    package func perform(
        _ request: ClientRequest,
        signing: AWSSigning? = nil
    ) throws(HTTPFailure) -> ClientResponse {
        let reused = idle.withLock { $0.popLast() }
        guard let handle = reused ?? CurlHandle() else {
            throw HTTPFailure.failed(url: request.url, reason: "libcurl could not start")
        }
        let transfer = HTTPTransfer(request, signing: signing, limits: limits, caFile: caFile)
        transfer.prepare(handle, isShared: false)
        switch transfer.result(handle.perform()) {
        case .success(let response):
            // A handle whose transfer failed is dropped with its connection.
            idle.withLock { if $0.count < Self.maximumIdle { $0.append(handle) } }
            return response
        case .failure(let error as HTTPFailure): throw error
        case .failure(let error): throw .failed(url: request.url, reason: "\(error)")
        }
    }
}

/// An answer whose body is read while it arrives; dropping it ends the transfer.
package final class HTTPStream: Sendable {
    /// Status and headers; the body of an answer that says no.
    package let head: ClientResponse
    private let transfer: HTTPTransfer

    init(head: ClientResponse, transfer: HTTPTransfer) {
        self.head = head
        self.transfer = transfer
    }

    deinit {
        TransferLoop.shared.cancel(transfer)
    }

    /// The bytes that follow; at most about 1 MiB is kept here, the rest waits at the server.
    ///
    /// Used by one task at a time.
    ///
    /// - Returns: `nil` at the end of the body.
    /// - Throws: `HTTPFailure` when the body breaks off, or `CancellationError`, which ends the transfer.
    package func next() async throws -> [UInt8]? {
        try await withTaskCancellationHandler {
            guard let chunk = try await transfer.nextChunk() else { return nil }
            if chunk.wasPaused { TransferLoop.shared.resume(transfer) }
            return chunk.bytes
        } onCancel: {
            TransferLoop.shared.cancel(transfer)
        }
    }
}
