import Foundation
package import StreamCore
import Synchronization

/// Leases and checkpoints in the table of a Kinesis Client Library application, for workers on any number of machines.
///
/// A worker of KCL 3 sees our leases as one of its own: the counter rises with each renewal and checkpoint, a request to
/// hand over stands where its leader would put it, and a released lease waits for its next owner as after its own
/// hand-off. See `LeaseWrites` for what fences whom.
package final class DynamoDBLeaseStore: LeaseStore {
    /// Renewals and other single writes in flight; KCL renews with as many threads.
    package static let writesInFlight = 20
    /// Segments in which a large table is scanned side by side: one for each page of 1 MB, up to this.
    private static let maximumSegments = 8

    let application: DynamoDBApplication
    let failureStored: WakeSignal?
    let writes: LeaseWrites
    let parts: PartStore
    let tenures = Tenures()
    let numbers = FailureNumbers()
    private let startTimestamp: Timestamp?
    private let table = Mutex<TableFacts>(TableFacts())

    /// What the last scan has shown.
    private struct TableFacts {
        var pageCount = 1
        /// KCL 3.5 keeps everything in one table, and says of each row what it is.
        var hasEntityTypes = false
        /// Parents of which a row was looked for in vain after that of a child was seen: none comes any more.
        var gone: Set<ShardID> = []
    }

    /// - Parameters:
    ///   - startTimestamp: When the mapping starts `AT_TIMESTAMP`: that of leases that KCL has made so, as their rows have no
    ///     time.
    ///   - failureStored: Woken after each commit with failures, for who delivers them.
    package init(
        _ application: DynamoDBApplication,
        startTimestamp: Timestamp? = nil,
        failureStored: WakeSignal? = nil
    ) {
        self.application = application
        self.startTimestamp = startTimestamp
        self.failureStored = failureStored
        writes = LeaseWrites(table: application.leaseTable)
        parts = PartStore(application: application)
    }

    var client: DynamoDBClient { application.client }

    func check(_ mapping: MappingID) throws {
        guard mapping == application.mapping else {
            throw ApplicationTaken(
                application: application.name,
                owner: application.mapping.text,
                mapping: mapping
            )
        }
    }

    /// Reads the table consistently, a large one in segments side by side.
    package func leases(of mapping: MappingID) async throws -> [LeaseRow] {
        try check(mapping)
        return try await items().map { try $0.row(of: mapping, startingAt: startTimestamp) }
            .sorted { $0.key < $1.key }
    }

    private func items() async throws -> [LeaseItem] {
        let segmentCount = max(1, min(table.withLock(\.pageCount), Self.maximumSegments))
        let segments = try await forEach(Array(0..<segmentCount), limit: segmentCount) { [self] segment in
            var request = PageRequest(TableName: application.leaseTable)
            if segmentCount > 1 { (request.Segment, request.TotalSegments) = (segment, segmentCount) }
            return try await client.scan(request)
        }
        let items = segments.flatMap(\.items)
        table.withLock { facts in
            facts.pageCount = segments.reduce(0) { $0 + $1.pageCount }
            facts.hasEntityTypes = items.contains { $0["entityType"] != nil }
        }
        return try await withMissedParents(items.compactMap { try LeaseItem($0, of: application.leaseTable) })
    }

    /// A scan shows no single moment: it may pass where a parent's row is about to be, and then meet that of its child.
    ///
    /// Parents are added first. One whose row is still not there was finished, or never had one.
    private func withMissedParents(_ items: [LeaseItem]) async throws -> [LeaseItem] {
        var items = items
        var unread = items
        while !unread.isEmpty {
            let known = Set(items.map(\.shard)).union(table.withLock(\.gone))
            let missing = Set(unread.filter(\.isNotBegun).flatMap(\.parents)).subtracting(known)
            let found = try await forEach(Array(missing), limit: Self.writesInFlight) { [self] in
                try await item($0)
            }
            unread = found.compactMap(\.self)
            items += unread
            let gone = missing.subtracting(unread.map(\.shard))
            table.withLock { $0.gone.formUnion(gone) }
        }
        // Of those that no row names any more nothing need be known.
        let named = Set(items.flatMap(\.parents))
        table.withLock { $0.gone.formIntersection(named) }
        return items
    }

    /// The row as it is now.
    func item(_ shard: ShardID) async throws -> LeaseItem? {
        try await client.item(LeaseWrites.key(shard), in: application.leaseTable)
            .flatMap { try LeaseItem($0, of: application.leaseTable) }
    }

    package func add(_ shards: [NewLease], to mapping: MappingID) async throws {
        try check(mapping)
        let hasEntityType = table.withLock(\.hasEntityTypes)
        for generation in Self.generations(of: shards) {
            _ = try await forEach(generation, limit: Self.writesInFlight) { [self] new in
                let put = ItemPut(
                    TableName: application.leaseTable,
                    Item: LeaseItem.new(new, hasEntityType: hasEntityType),
                    ConditionExpression: "attribute_not_exists(leaseKey)"
                )
                do { try await client.put(put) } catch let refusal as Refusal
                    where refusal.isConditionFailure
                {}
            }
        }
        // Also of those that were there: who made them may have died before this.
        let children = shards.flatMap { new in new.shard.parents.map { (child: new.shard.id, parent: $0) } }
        _ = try await forEach(children, limit: Self.writesInFlight) { [self] child, parent in
            let update = writes.addChild(child, to: parent)
            do { try await client.update(update) } catch let refusal as Refusal
                where refusal.isConditionFailure
            {}
        }
    }

    /// Parents before children: whoever reads a child's row without that of its parent takes the parent to be finished.
    private static func generations(of shards: [NewLease]) -> [[NewLease]] {
        var generations: [[NewLease]] = []
        var left = shards
        while !left.isEmpty {
            let waiting = Set(left.map(\.shard.id))
            let isNext = { (new: NewLease) in !new.shard.parents.contains(where: waiting.contains) }
            let next = left.filter(isNext)
            // No stream has shards that descend from each other; they would keep this from ending.
            guard !next.isEmpty else { return generations + [left] }
            generations.append(next)
            left.removeAll(where: isNext)
        }
        return generations
    }

    package func acquire(_ key: LeaseKey, seen counter: UInt64, for worker: WorkerID) async throws -> Lease? {
        try check(key.mapping)
        guard let row = try await item(key.shard), row.counter == counter else { return nil }
        let lease = Lease(key: key, owner: worker, counter: counter + 1)
        do {
            try await client.update(writes.acquire(row, for: worker))
        } catch let refusal as Refusal where refusal.isConditionFailure {
            // A try whose answer was lost may have been the one that took it.
            guard refusal.isOfRepeat, let row = try await current(refusal, key.shard), row.isHeld(by: lease),
                row.counter == lease.counter
            else { return nil }
        }
        tenures[lease] = Tenures.Tenure(
            fence: lease.counter,
            lineage: row.lineage(under: lease.counter),
            digitCount: row.digitCount
        )
        return lease
    }

    /// The row that a write was refused for; DynamoDB sends it along, others have to be asked.
    func current(_ refusal: Refusal, _ shard: ShardID) async throws -> LeaseItem? {
        guard let item = refusal.item else { return try await item(shard) }
        return try LeaseItem(item, of: application.leaseTable)
    }

    package func requestHandOff(_ key: LeaseKey, from holder: WorkerID, to worker: WorkerID) async throws
        -> Bool
    {
        try check(key.mapping)
        do {
            try await client.update(writes.requestHandOff(key.shard, from: holder, to: worker))
            return true
        } catch let refusal as Refusal where refusal.isConditionFailure {
            guard refusal.isOfRepeat, let row = try await current(refusal, key.shard) else { return false }
            return row.owner == worker && row.checkpointOwner == holder
        }
    }

    /// Renews one by one, `writesInFlight` at a time: DynamoDB changes several rows at once in transactions only, which
    /// cost double.
    ///
    /// A thousand leases are a thousand writes: 50 rounds of a few milliseconds each. None is tried for long, as the
    /// others wait for its outcome and the keeper of leases comes back for it; after as many failures as are in flight no
    /// more begin.
    package func renew(_ leases: [Lease], throughput: [LeaseKey: Double]) async throws -> Set<LeaseKey> {
        for lease in leases { try check(lease.key.mapping) }
        let hurried = client.hurried
        let failures = Mutex<[StoreUnavailable]>([])
        let outcomes = try await forEach(leases, limit: Self.writesInFlight) { [self] lease -> Renewal in
            guard failures.withLock({ $0.count < Self.writesInFlight }) else { return .unanswered(lease.key) }
            do {
                try await hurried.update(writes.renew(lease, throughput: throughput[lease.key]))
                return .renewed
            } catch let refusal as Refusal where refusal.isConditionFailure {
                tenures[lease] = nil
                return .lost(lease.key)
            } catch let failure as StoreUnavailable {
                failures.withLock { $0.append(failure) }
                return .unanswered(lease.key)
            }
        }
        let lost = Set(outcomes.compactMap { if case .lost(let key) = $0 { key } else { nil } })
        guard let cause = failures.withLock(\.first) else { return lost }
        let unanswered = Set(outcomes.compactMap { if case .unanswered(let key) = $0 { key } else { nil } })
        guard unanswered.count < leases.count else { throw cause }
        throw PartlyRenewed(lost: lost, unanswered: unanswered, cause: cause)
    }

    private enum Renewal {
        case renewed
        case lost(LeaseKey)
        case unanswered(LeaseKey)
    }

    package func release(_ lease: Lease) async throws {
        try check(lease.key.mapping)
        defer { tenures[lease] = nil }
        // A request to hand over may come between the first and the second try, and not go again.
        for toNextOwner in [false, true] {
            do {
                try await client.update(writes.release(lease, toNextOwner: toNextOwner))
                return
            } catch let refusal as Refusal where refusal.isConditionFailure {}
        }
    }

    package func free(_ key: LeaseKey, seen counter: UInt64) async throws -> Bool {
        try check(key.mapping)
        do {
            try await client.update(writes.free(key.shard, seen: counter))
            return true
        } catch let refusal as Refusal where refusal.isConditionFailure {
            guard refusal.isOfRepeat, let row = try await current(refusal, key.shard) else { return false }
            return row.counter == counter + 1 && row.owner == nil
        }
    }
}

/// Numbers failures in the order of their commits, as far as the clocks of workers agree.
final class FailureNumbers: Sendable {
    private let last = Mutex<Int64>(0)

    /// Larger than all before, of this process.
    func next(at now: Timestamp) -> String {
        let moment = last.withLock { last in
            last = max(last + 1, now.milliseconds)
            return last
        }
        return PartStore.digits(moment)
    }
}
