import Foundation
import Synchronization

/// Sends HTTP requests and keeps connections open for the next ones.
///
/// Safe to use from many threads and tasks: each request in flight has a connection of its own.
package final class HTTPClient: Sendable {
    /// Most connections that are kept while idle.
    private static let maximumIdle = 32

    private let timeout: Duration
    private let idle = Mutex<[CurlHandle]>([])

    /// - Parameter timeout: The longest one request may take, connecting included.
    package init(timeout: Duration = .seconds(30)) {
        self.timeout = timeout
    }

    /// Sends the request from a thread of its own, so that waiting blocks no task.
    ///
    /// - Throws: `HTTPFailure`. Cancelling the task does not end the request; its timeout does.
    package func send(_ request: ClientRequest, signing: AWSSigning? = nil) async throws -> ClientResponse {
        try await withCheckedThrowingContinuation { continuation in
            // Not a dispatch queue: its threads are those of the tasks, and blocked ones would hold up the tasks.
            Thread.detachNewThread {
                continuation.resume(with: Result { try self.perform(request, signing: signing) })
            }
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
        let response = try handle.perform(request, signing: signing, timeout: timeout)
        // A handle whose transfer failed is dropped with its connection.
        idle.withLock { if $0.count < Self.maximumIdle { $0.append(handle) } }
        return response
    }
}
