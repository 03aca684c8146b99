package import Coordination
package import Delivery
import Foundation
package import StreamCore

/// Looks at leases and workers in their stores.
package struct StoreLeaseInspection: LeaseInspection {
    /// A mapping whose leases the store has.
    package struct Mapping: Hashable, Sendable {
        package let id: MappingID
        package let function: String
        package let stream: String

        package init(id: MappingID, function: String, stream: String) {
            self.id = id
            self.function = function
            self.stream = stream
        }
    }

    let store: any LeaseStore
    let workerStore: any WorkerStore
    let mappings: @Sendable () async throws -> [Mapping]
    private let report: @Sendable (LeaseKey) -> ShardReport?
    private let known: @Sendable (MappingID, [LeaseRow]) -> LeaseStatus.Facts?
    let timing: LeaseTiming
    let sights: LeaseSights
    private let now: @Sendable () -> Timestamp

    /// How often a lease whose counter moves meanwhile is tried to be freed: a holder writes some hundred times a second.
    private static let freeingTries = 50

    /// - Parameters:
    ///   - report: What this process does with a shard, if it has it.
    ///   - known: What this process's own worker of a mapping knows of its leases; `nil` when it has none.
    package init(
        leases: any LeaseStore,
        workers: any WorkerStore,
        mappings: @escaping @Sendable () async throws -> [Mapping],
        report: @escaping @Sendable (LeaseKey) -> ShardReport? = { _ in nil },
        known: @escaping @Sendable (MappingID, [LeaseRow]) -> LeaseStatus.Facts? = { _, _ in nil },
        timing: LeaseTiming = LeaseTiming(),
        sights: LeaseSights,
        now: @escaping @Sendable () -> Timestamp
    ) {
        store = leases
        workerStore = workers
        self.mappings = mappings
        self.report = report
        self.known = known
        self.timing = timing
        self.sights = sights
        self.now = now
    }
}

// MARK: - Leases

extension StoreLeaseInspection {
    package func leases(of mapping: String?) async throws -> [LeaseSummary] {
        let all = try await mappings()
        sights.keep(Set(all.map(\.id)))
        let asked = all.filter { mapping == nil || $0.id.text == mapping }
        if let mapping, asked.isEmpty {
            throw InspectionRefused(.notFound, "there is no mapping \(mapping)")
        }
        let liveness = try await liveness()
        var summaries: [LeaseSummary] = []
        for mapping in asked {
            let isOnlyOne = all.count { $0.function == mapping.function } == 1
            let rows = try await store.leases(of: mapping.id)
            var facts = known(mapping.id, rows) ?? facts(of: mapping.id, rows, liveness)
            let byShard = Dictionary(rows.map { ($0.key.shard, $0) }, uniquingKeysWith: { $1 })
            for row in rows {
                // Only what the explanation looks at: with all rows for each it would take too long for many.
                facts.rows = [row] + row.parents.compactMap { byShard[$0] }
                summaries.append(summary(of: row, mapping, isOnlyOne: isOnlyOne, facts))
            }
        }
        return summaries
    }

    /// What earlier looks of this inspection tell.
    private func facts(
        of mapping: MappingID,
        _ rows: [LeaseRow],
        _ liveness: [WorkerID: Bool]
    ) -> LeaseStatus.Facts {
        let (observations, now) = sights.observe(rows, of: mapping)
        return LeaseStatus.Facts(
            rows: rows,
            observations: observations,
            liveness: liveness,
            now: now,
            timing: timing
        )
    }

    private func summary(
        of row: LeaseRow,
        _ mapping: Mapping,
        isOnlyOne: Bool,
        _ facts: LeaseStatus.Facts
    ) -> LeaseSummary {
        let report = row.holder == nil ? nil : report(row.key)
        let found = LeaseStatus(of: row.key, facts, report: report)
        let silence = facts.observations.silence(of: row, at: facts.now)
        return LeaseSummary(
            lease: isOnlyOne ? "\(mapping.function)/\(row.key.shard)" : row.key.description,
            function: mapping.function,
            mapping: mapping.id.text,
            stream: mapping.stream,
            shard: row.key.shard.text,
            checkpoint: row.checkpoint.description,
            holder: row.holder?.text,
            nextHolder: row.checkpointOwner == nil ? nil : row.owner?.text,
            state: found?.reason.inShort ?? "free",
            why: found?.description ?? "nothing is known of it",
            unchangedSeconds: silence > .zero && row.checkpoint != .shardEnd
                ? Int(silence.components.seconds) : nil,
            iteratorAgeMilliseconds: report?.iteratorAgeMilliseconds(at: now()),
            throughputKBps: row.throughput
        )
    }

    package func release(_ lease: LeaseSummary) async throws -> LeaseSummary {
        for _ in 0..<Self.freeingTries {
            let leases = try await leases(of: lease.mapping)
            guard let current = leases.first(where: { $0.shard == lease.shard }) else {
                throw InspectionRefused(.notFound, "there is no lease \(lease.mapping)/\(lease.shard)")
            }
            guard current.holder != nil else {
                throw InspectionRefused(
                    .conflict,
                    "lease \(current.lease) is held by nobody",
                    hint: "`millrace lease why \(current.lease)` tells why it does not move"
                )
            }
            let key = LeaseKey(
                mapping: MappingID(unchecked: current.mapping),
                shard: ShardID(unchecked: current.shard)
            )
            let row = try await store.leases(of: key.mapping).first { $0.key == key }
            // Its holder must still be the one that is answered.
            guard let row, row.holder?.text == current.holder else { continue }
            if try await store.free(key, seen: row.counter) { return current }
        }
        throw InspectionRefused(
            .conflict,
            "lease \(lease.lease) changed in the midst of each of \(Self.freeingTries) tries to release it",
            hint: "try again, or drain its worker with `millrace worker drain`"
        )
    }
}

// MARK: - Workers

extension StoreLeaseInspection {
    package func workers() async throws -> [WorkerSummary] {
        let rows = try await workerStore.workers()
        let (observations, now) = sights.observe(rows)
        var leases: [WorkerID: [LeaseRow]] = [:]
        for mapping in try await mappings() {
            for row in try await store.leases(of: mapping.id) {
                if let holder = row.holder { leases[holder, default: []].append(row) }
            }
        }
        return rows.map { row in
            let held = leases[row.worker] ?? []
            let rates = held.compactMap(\.throughput)
            return WorkerSummary(
                worker: row.worker.text,
                host: row.report.host,
                processID: row.report.processID,
                started: row.report.started.isoSeconds,
                state: state(of: row, observations, at: now),
                leases: held.count,
                cpuPercent: row.report.cpu.last,
                throughputKBps: rates.isEmpty ? nil : rates.reduce(0, +)
            )
        }
    }

    package func drain(_ worker: String) async throws -> WorkerSummary {
        guard let current = try await workers().first(where: { $0.worker == worker }) else {
            throw InspectionRefused(
                .notFound,
                "there is no worker \(worker)",
                hint: "`millrace worker list` lists them"
            )
        }
        guard current.state != .dead else {
            throw InspectionRefused(
                .conflict,
                "worker \(worker) is dead: its process has ended",
                hint: current.leases == 0
                    ? "it has no leases: there is nothing to drain"
                    : "the other workers take its \(current.leases.leases) at their next look; there is nothing to drain"
            )
        }
        guard current.processID != 0 else {
            throw InspectionRefused(
                .conflict,
                "worker \(worker) is one of KCL's and takes no such request",
                hint: "stop it where it runs"
            )
        }
        guard try await workerStore.requestDrain(of: WorkerID(unchecked: worker)) else {
            throw InspectionRefused(.notFound, "worker \(worker) has ended meanwhile")
        }
        return try await workers().first { $0.worker == worker } ?? current
    }

    private func liveness() async throws -> [WorkerID: Bool] {
        let rows = try await workerStore.workers()
        let (observations, now) = sights.observe(rows)
        return Dictionary(
            rows.map { ($0.worker, observations.isAlive($0, at: now, failover: timing.failover)) },
            uniquingKeysWith: { $1 }
        )
    }

    private func state(
        of row: WorkerRow,
        _ observations: WorkerObservations,
        at now: Duration
    ) -> WorkerSummary.State {
        if row.isDead { return .dead }
        if !observations.isAlive(row, at: now, failover: timing.failover) { return .silent }
        return row.isDrainRequested || row.report.isDraining ? .draining : .live
    }
}

extension LeaseStatus.Reason {
    /// In one or two words.
    fileprivate var inShort: String {
        switch self {
        case .finished: "finished"
        case .waitsForParent: "waits for parent"
        case .unowned, .holderEnded: "free"
        case .reserved: "reserved"
        case .handedOver: "handing over"
        case .silent: "silent"
        case .expired: "expired"
        case .held, .processing: "held"
        }
    }
}

extension Int {
    /// As in `3 leases`.
    package var leases: String { self == 1 ? "1 lease" : "\(self) leases" }
}
