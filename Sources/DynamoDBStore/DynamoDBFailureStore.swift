import Foundation
package import StreamCore

/// The failures that `DynamoDBLeaseStore` commits.
///
/// Those that wait for their destination have no limit, as what is refused here would be lost.
package struct DynamoDBFailureStore: FailureStore {
    /// Pruned before the next look.
    private static let prunedAtOnce = 100
    private static let writesInFlight = 16

    private let application: DynamoDBApplication
    private let parts: PartStore

    package init(_ application: DynamoDBApplication) {
        self.application = application
        parts = PartStore(application: application)
    }

    package func due(at now: Timestamp, limit: Int, except closed: Set<FailureTarget>) async throws
        -> [StoredFailure]
    {
        let perTarget = min(limit, FailureLimits.duePerDestination)
        var found: [FailureItem] = []
        for target in try await waitingTargets(except: closed) {
            let key = DueKey(target)
            found += try await query(
                .due,
                "due BETWEEN :first AND :last",
                [":first": .string(key.first), ":last": .string(key.last(at: now))],
                limit: perTarget
            )
        }
        found.sort { ($0.nextAttempt, $0.number) < ($1.nextAttempt, $1.number) }
        var due: [StoredFailure] = []
        for item in Self.fitting(found.prefix(limit)) {
            if let failure = try await failure(item.id), case .waiting = failure.delivery {
                due.append(failure)
            }
        }
        return due
    }

    /// As many as may be in memory at a time, and at least one.
    private static func fitting(_ items: ArraySlice<FailureItem>) -> ArraySlice<FailureItem> {
        var bytes = 0
        return items.prefix { item in
            defer { bytes += item.eventBytes }
            return bytes == 0 || bytes + item.eventBytes <= FailureLimits.dueEventBytes
        }
    }

    /// Each destination that failures wait for, by one look into the index for each.
    private func waitingTargets(except closed: Set<FailureTarget>) async throws -> [String] {
        try await FailureBundle(application: application).unpackAll()
        let closed = Set(closed.map(\.text))
        var targets: [String] = []
        var last = " "
        while let item = try await query(.due, "due > :last", [":last": .string(last)], limit: 1).first,
            let target = item.target
        {
            if !closed.contains(target) { targets.append(target) }
            last = DueKey(target).end
        }
        return targets
    }

    private func query(
        _ index: OwnIndex,
        _ condition: String,
        _ values: Item,
        limit: Int,
        latestFirst: Bool = false
    )
        async throws -> [FailureItem]
    {
        guard limit > 0 else { return [] }
        var request = PageRequest(TableName: application.ownTable, IndexName: index.name)
        request.KeyConditionExpression = condition.isEmpty ? "kind = :kind" : "kind = :kind AND \(condition)"
        request.ExpressionAttributeValues = values.merging([":kind": .string("failure")]) { $1 }
        if latestFirst { request.ScanIndexForward = false }
        return try await application.client.query(request, limit: limit).map { FailureItem($0) }
    }

    package func noteDelivered(_ id: String, at now: Timestamp) async throws {
        try await change(
            id,
            "SET delivered = :now, settled = :settled, attempts = attempts + :one REMOVE nextAttempt, due",
            [":now": .number(now.milliseconds), ":settled": .string(SettledKey.delivered(now))]
        )
    }

    package func notePostponed(_ id: String, until next: Timestamp, error: String) async throws {
        let key = OwnKey.failure(id).item
        guard
            let item = try await application.client.item(key, in: application.ownTable).map({
                FailureItem($0)
            }),
            let target = item.target
        else { return }
        try await change(
            id,
            "SET nextAttempt = :next, due = :due, attempts = attempts + :one, lastError = :error",
            [
                ":next": .number(next.milliseconds),
                ":due": .string(DueKey(target).at(next, item.number)),
                ":error": .string(error.prefixOfUTF8(FailureLimits.errorBytes)),
            ]
        )
    }

    /// Changes a failure that waits.
    private func change(_ id: String, _ expression: String, _ values: Item) async throws {
        let update = ItemUpdate(
            TableName: application.ownTable,
            Key: OwnKey.failure(id).item,
            UpdateExpression: expression,
            ConditionExpression: "attribute_exists(nextAttempt)",
            ExpressionAttributeValues: values.merging([":one": .number("1")]) { $1 },
            ReturnValuesOnConditionCheckFailure: nil
        )
        do {
            try await application.client.update(update)
        } catch let refusal as Refusal where refusal.isConditionFailure {
            // It is not there, or waits for nothing.
        }
    }

    package func nextDue(except closed: Set<FailureTarget>) async throws -> Timestamp? {
        var next: Timestamp?
        for target in try await waitingTargets(except: closed) {
            let key = DueKey(target)
            let first = try await query(
                .due,
                "due BETWEEN :first AND :last",
                [":first": .string(key.first), ":last": .string(key.end)],
                limit: 1
            ).first
            if let first { next = min(next ?? first.nextAttempt, first.nextAttempt) }
        }
        return next
    }

    package func failures(of mapping: MappingID?, limit: Int) async throws -> [StoredFailure] {
        try await FailureBundle(application: application).unpackAll()
        // An application has one mapping: whoever asks for another gets nothing.
        return try await query(
            .number,
            "",
            [:],
            limit: mapping == nil ? max(0, limit) : .max,
            latestFirst: true
        )
        .lazy.map { try $0.stored() }
        .filter { mapping == nil || $0.failure.mapping == mapping }
        .prefix(max(0, limit)).map(\.self)
    }

    package func failure(_ id: String) async throws -> StoredFailure? {
        let key = OwnKey.failure(id).item
        var item = try await application.client.item(key, in: application.ownTable)
        if item == nil {
            try await FailureBundle(application: application).unpackAll()
            item = try await application.client.item(key, in: application.ownTable)
        }
        guard let failure = item.map({ FailureItem($0) }) else { return nil }
        let event: Data = if let blob = failure.event { try await parts.read(blob) } else { Data() }
        return try failure.stored(event: event)
    }

    /// Removes old parts that belong to nothing, too.
    package func prune(deliveredBefore: Timestamp, undirectedBefore: Timestamp) async throws {
        try await FailureBundle(application: application).unpackAll()
        let origin = Timestamp(milliseconds: 0)
        try await prune(from: SettledKey.delivered(origin), to: SettledKey.delivered(deliveredBefore))
        try await prune(from: SettledKey.undirected(origin), to: SettledKey.undirected(undirectedBefore))
        try await parts.clear()
    }

    private func prune(from first: String, to end: String) async throws {
        guard first < end else { return }
        while true {
            // `BETWEEN` has both ends in it; the key of a failure of the end's own moment is the end itself.
            let items = try await query(
                .settled,
                "settled BETWEEN :first AND :end",
                [":first": .string(first), ":end": .string(end)],
                limit: Self.prunedAtOnce
            ).filter { ($0.item["settled"]?.string ?? "") < end }
            guard !items.isEmpty else { return }
            _ = try await forEach(items, limit: Self.writesInFlight) { try await remove($0) }
        }
    }

    private func remove(_ failure: FailureItem) async throws {
        let deletion = ItemDelete(TableName: application.ownTable, Key: OwnKey.failure(failure.id).item)
        guard let group = failure.event?.group else { return try await application.client.delete(deletion) }
        let note = parts.makeNote()
        try await application.client.transact(
            [.put(parts.note([group], as: note)), .delete(deletion)],
            token: UUID().uuidString,
            of: application.ownTable
        )
        try await parts.remove([group], notedAs: note)
    }
}
