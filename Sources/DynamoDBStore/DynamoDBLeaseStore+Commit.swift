import Foundation
package import StreamCore

extension DynamoDBLeaseStore {
    /// Tries of one commit, each after the row or the table has shown something new.
    private static let maximumTries = 8

    /// Moves a checkpoint alone by one write, and everything together by a transaction.
    package func commit(_ commit: ShardCommit, under lease: Lease) async throws {
        try check(lease.key.mapping)
        if commit.progress == .keep, commit.failures.isEmpty {
            try await move(commit.checkpoint, under: lease)
        } else {
            try await transact(commit, under: lease)
        }
    }

    // MARK: - A checkpoint alone

    private func move(_ checkpoint: Checkpoint?, under lease: Lease) async throws {
        var write = leaseWrite(checkpoint, under: lease)
        for _ in 0..<Self.maximumTries {
            do {
                try await client.update(write)
                return
            } catch let refusal as Refusal where refusal.isConditionFailure {
                let row = try await held(try await current(refusal, lease.key.shard), lease)
                write = leaseWrite(checkpoint, under: lease, over: row)
            }
        }
        throw StoreUnavailable(
            store: application.leaseTable,
            cause: CommitContended(tries: Self.maximumTries)
        )
    }

    /// - Throws: `LeaseLost`.
    private func held(_ row: LeaseItem?, _ lease: Lease) async throws -> LeaseItem {
        guard let row, row.isHeld(by: lease) else {
            tenures[lease] = nil
            throw LeaseLost(key: lease.key)
        }
        return row
    }

    /// What a commit does with the lease's row: it moves the checkpoint, or shows that the holder lives.
    ///
    /// - Parameter row: As it was found when the row's own comparison said no.
    private func leaseWrite(_ checkpoint: Checkpoint?, under lease: Lease, over row: LeaseItem? = nil)
        -> ItemUpdate
    {
        guard let checkpoint else { return writes.renew(lease, throughput: nil) }
        let digitCount = row?.digitCount ?? tenures[lease]?.digitCount
        let text = checkpoint.text(filledTo: digitCount)
        guard let row else { return writes.checkpoint(lease, at: checkpoint, text: text) }
        let old = try? row.checkpoint(startingAt: Timestamp(milliseconds: 0), key: lease.key)
        guard old.map({ $0 < checkpoint }) ?? true else { return writes.renew(lease, throughput: nil) }
        return writes.checkpoint(lease, at: checkpoint, text: text, over: row.checkpointText)
    }

    struct CommitContended: Error, CustomStringConvertible {
        let tries: Int
        var description: String { "a row of the commit changed at each of \(tries) tries" }
    }

    // MARK: - Everything together

    /// What one try of a transaction writes, and what is to be done after it.
    private struct Transaction {
        var items: [TransactionItem] = []
        /// Which items are which: a refusal names places.
        var failurePlaces: [Int: String] = [:]
        var claimPlace: Int?
    }

    private func transact(_ commit: ShardCommit, under lease: Lease) async throws {
        let tenure = try await tenure(of: lease)
        var stored: Set<String> = []
        var row: LeaseItem?
        // Written anew only when they were removed meanwhile.
        var prepared: PreparedCommit?
        for _ in 0..<Self.maximumTries {
            let current: PreparedCommit
            if let prepared {
                current = prepared
            } else {
                current = try await prepare(commit, tenure, without: stored)
                prepared = current
            }
            // Each try has its own: one that is late must not follow the one that was made in its place.
            guard let number = tenures.nextTransaction(of: lease) else { throw LeaseLost(key: lease.key) }
            let transaction = transaction(commit, current, lease, tenure, row, number, without: stored)
            do {
                try await client.transact(
                    transaction.items,
                    token: UUID().uuidString,
                    of: application.leaseTable
                )
                await finish(commit, current, lease, tenure)
                return
            } catch let unavailable as StoreUnavailable {
                // It may have been carried out: then it is to be looked up which parts the next one replaces.
                tenures.forgetProgress(of: lease)
                throw unavailable
            } catch let refusal as Refusal where refusal.isCancelledTransaction {
                let refused = refusal.reasons.enumerated().filter { $1.Code == "ConditionalCheckFailed" }
                guard !refused.isEmpty else {
                    throw StoreUnavailable(store: application.leaseTable, cause: refusal)
                }
                for (place, reason) in refused {
                    if place == 0 {
                        let found = try reason.Item.flatMap { try LeaseItem($0, of: application.leaseTable) }
                        let now: LeaseItem?
                        if let found { now = found } else { now = try await item(lease.key.shard) }
                        row = try await held(now, lease)
                    } else if let id = transaction.failurePlaces[place] {
                        stored.insert(id)
                    } else if place == transaction.claimPlace {
                        prepared = nil
                    }
                }
            }
        }
        throw StoreUnavailable(
            store: application.leaseTable,
            cause: CommitContended(tries: Self.maximumTries)
        )
    }

    /// A commit whose parts are written.
    private struct PreparedCommit {
        let progress: ProgressItem?
        let failures: [FailureItem]
        /// In the place of the failures when they are too many.
        let bundle: Item?
        /// Names the parts that are written; `nil` without any.
        let note: OwnKey?
    }

    private func prepare(_ commit: ShardCommit, _ tenure: Tenures.Tenure, without stored: Set<String>)
        async throws -> PreparedCommit
    {
        var blobs = BlobWriter()
        var progress: ProgressItem?
        if case .set(let new) = commit.progress, !new.isNone {
            progress = try ProgressItem(new, lineage: tenure.lineage, to: &blobs)
        }
        let number = numbers.next(at: application.now())
        let failures = try commit.failures.enumerated().filter { !stored.contains($1.id) }
            .map { index, failure in
                let place = String(1_000_000 + index).dropFirst()
                return try FailureItem(failure, number: "\(number)-\(place)", to: &blobs)
            }
        let bundle =
            FailureBundle.isNeeded(for: failures)
            ? try FailureBundle.item(failures, number: "\(number)-\(UUID().uuidString)", to: &blobs) : nil
        var note: OwnKey?
        if !blobs.parts.isEmpty {
            let key = parts.makeNote()
            try await client.put(parts.note(blobs.groups, as: key))
            try await parts.write(blobs)
            note = key
        }
        return PreparedCommit(progress: progress, failures: failures, bundle: bundle, note: note)
    }

    private func transaction(
        _ commit: ShardCommit,
        _ prepared: PreparedCommit,
        _ lease: Lease,
        _ tenure: Tenures.Tenure,
        _ row: LeaseItem?,
        _ number: UInt64,
        without stored: Set<String>
    ) -> Transaction {
        let table = application.ownTable
        var transaction = Transaction()
        let write = leaseWrite(commit.checkpoint, under: lease, over: row)
        transaction.items.append(.update(writes.numbered(write, number)))
        if case .set = commit.progress {
            if let progress = prepared.progress {
                let item = progress.item(of: lease.key.shard)
                transaction.items.append(.put(ItemPut(TableName: table, Item: item)))
            } else {
                let key = OwnKey.progress(of: lease.key.shard).item
                transaction.items.append(.delete(ItemDelete(TableName: table, Key: key)))
            }
            let old = tenure.progressGroups ?? []
            if !old.isEmpty, let key = Self.garbageNote(of: old, parts) {
                transaction.items.append(.put(parts.note(old, as: key)))
            }
        }
        if let bundle = prepared.bundle {
            transaction.items.append(.put(ItemPut(TableName: table, Item: bundle)))
        } else {
            for failure in prepared.failures where !stored.contains(failure.id) {
                transaction.failurePlaces[transaction.items.count] = failure.id
                transaction.items.append(.put(failure.put(in: table)))
            }
        }
        if let note = prepared.note {
            transaction.claimPlace = transaction.items.count
            transaction.items.append(.delete(parts.claim(note)))
        }
        return transaction
    }

    /// Named after the parts, so that it is found again without being remembered.
    private static func garbageNote(of groups: [PartGroup], _ parts: PartStore) -> OwnKey? {
        groups.first.map { OwnKey(kind: "pending", id: "\(PartStore.digits(0))#\($0.id)") }
    }

    /// Clears away what the commit has replaced; what fails here is cleared by `PartStore.clear`.
    private func finish(
        _ commit: ShardCommit,
        _ prepared: PreparedCommit,
        _ lease: Lease,
        _ tenure: Tenures.Tenure
    ) async {
        if case .set = commit.progress {
            if var known = tenures[lease] {
                known.progressGroups = prepared.progress?.groups ?? []
                tenures[lease] = known
            }
            let old = tenure.progressGroups ?? []
            if !old.isEmpty, let note = Self.garbageNote(of: old, parts) {
                try? await parts.remove(old, notedAs: note)
            }
        }
        if prepared.bundle != nil { try? await FailureBundle(application: application).unpackAll() }
        if !commit.failures.isEmpty { failureStored?.wake() }
    }

    /// What is known of the lease, read where it is not.
    private func tenure(of lease: Lease) async throws -> Tenures.Tenure {
        var tenure: Tenures.Tenure
        if let known = tenures[lease] {
            tenure = known
        } else {
            let row = try await held(try await item(lease.key.shard), lease)
            tenure = Tenures.Tenure(
                fence: lease.counter,
                lineage: row.item[LeaseItem.Attribute.lineage]?.unsigned ?? lease.counter,
                digitCount: row.digitCount,
                transactionNumber: row.item[LeaseItem.Attribute.transactionNumber]?.unsigned ?? 0
            )
        }
        if tenure.progressGroups == nil {
            tenure.progressGroups = try await progressItem(of: lease.key.shard)?.groups ?? []
        }
        tenures[lease] = tenure
        return tenure
    }
}

// MARK: - Progress

extension DynamoDBLeaseStore {
    private func progressItem(of shard: ShardID) async throws -> ProgressItem? {
        try await client.item(OwnKey.progress(of: shard).item, in: application.ownTable)
            .flatMap { ProgressItem($0) }
    }

    /// Nothing when a worker of KCL has moved the checkpoint since: it knows nothing of lanes, retries and windows.
    package func progress(of key: LeaseKey) async throws -> ShardProgress {
        try check(key.mapping)
        guard let stored = try await progressItem(of: key.shard) else {
            tenures.noteProgress([], of: key.shard, lineage: nil)
            return .none
        }
        tenures.noteProgress(stored.groups, of: key.shard, lineage: nil)
        let row = try await item(key.shard)
        guard row?.item[LeaseItem.Attribute.lineage]?.unsigned == stored.lineage else { return .none }
        do {
            return try await stored.progress(from: parts)
        } catch let missing as PartsMissing {
            // The owner before, whose lease is lost, may have replaced it between the two reads.
            throw StoreUnavailable(store: application.ownTable, cause: missing)
        }
    }

    package func remove(_ key: LeaseKey, seen counter: UInt64) async throws -> Bool {
        try check(key.mapping)
        let groups = try await progressItem(of: key.shard)?.groups ?? []
        var items: [TransactionItem] = [
            .delete(writes.remove(key.shard, seen: counter)),
            .delete(
                ItemDelete(TableName: application.ownTable, Key: OwnKey.progress(of: key.shard).item)
            ),
        ]
        let note = Self.garbageNote(of: groups, parts)
        if let note { items.append(.put(parts.note(groups, as: note))) }
        do {
            try await client.transact(items, token: UUID().uuidString, of: application.leaseTable)
        } catch let refusal as Refusal where refusal.isCancelledTransaction {
            return false
        }
        if let note { try? await parts.remove(groups, notedAs: note) }
        return true
    }
}

extension Checkpoint {
    /// As it stands in the row.
    fileprivate func text(filledTo digitCount: Int?) -> String {
        guard case .at = self, let digitCount else { return description }
        return String(repeating: "0", count: max(0, digitCount - description.utf8.count)) + description
    }
}
