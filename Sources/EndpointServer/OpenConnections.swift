import NIOCore
import Synchronization

/// The connections of an endpoint, at most so many.
///
/// A client that opens connections and leaves them idle loses them to whoever comes, longest idle first.
package final class OpenConnections: Sendable {
    private struct Connection {
        let channel: any Channel
        /// `nil` while a request is in hand.
        var idleSince: NIODeadline?
    }

    private struct State {
        var connections: [ObjectIdentifier: Connection] = [:]
        var hasReported = false
    }

    private let limit: Int
    private let report: @Sendable () -> Void
    private let state = Mutex(State())

    /// - Parameter report: Told when the limit has been reached, and again when it is after having been well below.
    package init(limit: Int, report: @escaping @Sendable () -> Void) {
        self.limit = limit
        self.report = report
    }

    package var count: Int { state.withLock(\.connections.count) }
    package var idleCount: Int { state.withLock { $0.connections.values.count { $0.idleSince != nil } } }

    /// Takes in a new connection until it closes.
    ///
    /// - Returns: `false` when all others have a request in hand: close it.
    func admit(_ channel: any Channel) -> Bool {
        let (isAdmitted, evicted, isNewlyFull) = state.withLock { state in
            var evicted: (any Channel)?
            var isNewlyFull = false
            if state.connections.count >= limit {
                isNewlyFull = !state.hasReported
                state.hasReported = true
                guard let longest = Self.longestIdle(state.connections) else {
                    return (false, nil as (any Channel)?, isNewlyFull)
                }
                evicted = state.connections.removeValue(forKey: longest)?.channel
            }
            state.connections[ObjectIdentifier(channel)] = Connection(channel: channel, idleSince: .now())
            return (true, evicted, isNewlyFull)
        }
        if isNewlyFull { report() }
        evicted?.close(promise: nil)
        guard isAdmitted else { return false }
        let id = ObjectIdentifier(channel)
        channel.closeFuture.whenComplete { [self] _ in remove(id) }
        return true
    }

    func note(_ channel: any Channel, isIdle: Bool) {
        state.withLock { state in
            state.connections[ObjectIdentifier(channel)]?.idleSince = isIdle ? .now() : nil
        }
    }

    private func remove(_ id: ObjectIdentifier) {
        state.withLock { state in
            state.connections[id] = nil
            if state.connections.count < limit / 2 { state.hasReported = false }
        }
    }

    private static func longestIdle(_ connections: [ObjectIdentifier: Connection]) -> ObjectIdentifier? {
        connections.compactMap { id, connection in connection.idleSince.map { (id, $0) } }
            .min { $0.1 < $1.1 }?.0
    }
}
