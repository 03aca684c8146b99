package import StreamCore
import Synchronization

/// A failure store in memory, for outboxes.
///
/// It passes the contract of failure stores.
package final class MemoryFailureStore: FailureStore {
    /// In the order in which they were stored.
    private let stored = Mutex<[StoredFailure]>([])
    /// Woken when failures were stored.
    package let wake: WakeSignal

    package init(wake: WakeSignal = WakeSignal()) {
        self.wake = wake
    }

    /// Stores what a commit gives up; one that is stored already stays as it is.
    package func add(_ failures: [BatchFailure]) {
        stored.withLock { stored in
            for failure in failures where !stored.contains(where: { $0.failure.id == failure.id }) {
                let delivery: StoredFailure.Delivery =
                    failure.target == nil
                    ? .none : .waiting(attempts: 0, nextAttempt: failure.time, lastError: nil)
                stored.append(StoredFailure(failure: failure, delivery: delivery))
            }
        }
        wake.wake()
    }

    package func due(at now: Timestamp, limit: Int, except closed: Set<FailureTarget>) async throws
        -> [StoredFailure]
    {
        let due = stored.withLock(\.self).filter { !$0.waits(for: closed) }.compactMap { stored in
            stored.nextAttempt.map { (time: $0, stored) }
        }.filter { $0.time <= now }
        // Sorting is stable: of the same time the one stored first comes first.
        var handedOut: [FailureTarget?: Int] = [:]
        let fair = due.sorted { $0.time < $1.time }.map(\.1).filter { stored in
            handedOut[stored.failure.target, default: 0] += 1
            return handedOut[stored.failure.target, default: 0] <= FailureLimits.duePerDestination
        }
        var bytes = 0
        let fitting = fair.prefix(limit).prefix { stored in
            defer { bytes += stored.failure.event.count }
            return bytes == 0 || bytes + stored.failure.event.count <= FailureLimits.dueEventBytes
        }
        return Array(fitting)
    }

    package func noteDelivered(_ id: String, at now: Timestamp) async throws {
        changeWaiting(id) { attempts in .delivered(at: now, attempts: attempts + 1) }
    }

    package func notePostponed(_ id: String, until next: Timestamp, error: String) async throws {
        let kept = error.prefixOfUTF8(FailureLimits.errorBytes)
        changeWaiting(id) { .waiting(attempts: $0 + 1, nextAttempt: next, lastError: kept) }
    }

    package func nextDue(except closed: Set<FailureTarget>) async throws -> Timestamp? {
        stored.withLock { stored in
            stored.lazy.filter { !$0.waits(for: closed) }.compactMap(\.nextAttempt).min()
        }
    }

    package func failures(of mapping: MappingID?, limit: Int) async throws -> [StoredFailure] {
        stored.withLock { stored in
            stored.reversed().filter { mapping == nil || $0.failure.mapping == mapping }.prefix(limit)
                .map { StoredFailure(failure: $0.failure.withoutEvent, delivery: $0.delivery) }
        }
    }

    package func failure(_ id: String) async throws -> StoredFailure? {
        stored.withLock { $0.first { $0.failure.id == id } }
    }

    package func prune(deliveredBefore: Timestamp, undirectedBefore: Timestamp) async throws {
        stored.withLock { stored in
            stored.removeAll { stored in
                switch stored.delivery {
                case .none: stored.failure.time < undirectedBefore
                case .waiting: false
                case .delivered(let time, _): time < deliveredBefore
                }
            }
        }
    }

    private func changeWaiting(_ id: String, _ change: (_ attempts: Int) -> StoredFailure.Delivery) {
        stored.withLock { stored in
            guard let index = stored.firstIndex(where: { $0.failure.id == id }),
                case .waiting(let attempts, _, _) = stored[index].delivery
            else { return }
            stored[index] = StoredFailure(failure: stored[index].failure, delivery: change(attempts))
        }
    }
}

extension StoredFailure {
    /// When it is due; `nil` when it does not wait.
    fileprivate var nextAttempt: Timestamp? {
        if case .waiting(_, let next, _) = delivery { next } else { nil }
    }

    fileprivate func waits(for targets: Set<FailureTarget>) -> Bool {
        failure.target.map(targets.contains) ?? false
    }
}
