import CCurl
import Synchronization

/// Tells a transfer that nobody waits for it any longer.
final class HTTPCancellation: Sendable {
    private let isRequested = Atomic(false)

    func request() {
        isRequested.store(true, ordering: .relaxed)
    }

    /// Ends the transfer once cancellation was requested.
    static let watch: millrace_curl_watch = { context, _, _, _, _ in
        guard let context else { return 0 }
        let cancellation = Unmanaged<HTTPCancellation>.fromOpaque(context).takeUnretainedValue()
        return cancellation.isRequested.load(ordering: .relaxed) ? 1 : 0
    }
}
