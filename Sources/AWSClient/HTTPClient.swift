import Foundation
import Synchronization

/// Sends HTTP requests and keeps connections open for the next ones.
///
/// Safe to use from many threads and tasks: each request in flight has a connection of its own.
package final class HTTPClient: Sendable {
    /// What one request may take.
    package struct Limits: Hashable, Sendable {
        /// From the beginning of connecting to the end of the answer.
        package let time: Duration
        /// Of the answer, header lines included.
        package let responseBytes: Int

        package init(time: Duration = .seconds(30), responseBytes: Int = 256 << 20) {
            self.time = time
            self.responseBytes = responseBytes
        }
    }

    /// Most connections that are kept while idle.
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

    /// Sends the request from a thread of its own, so that waiting blocks no task.
    ///
    /// - Throws: `HTTPFailure`, or `CancellationError`. Cancelling the task ends the request within a second.
    package func send(_ request: ClientRequest, signing: AWSSigning? = nil) async throws -> ClientResponse {
        let cancellation = HTTPCancellation()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                // Not a dispatch queue: its threads are those of the tasks, and blocked ones would hold up the tasks.
                Thread.detachNewThread {
                    let result = Result { try self.perform(request, signing, cancellation) }
                    continuation.resume(
                        with: result.mapError { failure -> any Error in
                            if case HTTPFailure.cancelled = failure { return CancellationError() }
                            return failure
                        }
                    )
                }
            }
        } onCancel: {
            cancellation.request()
        }
    }

    /// Sends the request and blocks the calling thread until it is answered.
    package func perform(
        _ request: ClientRequest,
        signing: AWSSigning? = nil
    ) throws(HTTPFailure) -> ClientResponse {
        try perform(request, signing, nil)
    }

    private func perform(
        _ request: ClientRequest,
        _ signing: AWSSigning?,
        _ cancellation: HTTPCancellation?
    ) throws(HTTPFailure) -> ClientResponse {
        let reused = idle.withLock { $0.popLast() }
        guard let handle = reused ?? CurlHandle() else {
            throw HTTPFailure.failed(url: request.url, reason: "libcurl could not start")
        }
        let response = try handle.perform(
            request,
            signing: signing,
            limits: limits,
            caFile: caFile,
            cancellation: cancellation
        )
        // A handle whose transfer failed is dropped with its connection.
        idle.withLock { if $0.count < Self.maximumIdle { $0.append(handle) } }
        return response
    }
}
