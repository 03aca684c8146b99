package import StreamCore

/// Which shards a mapping needs leases for, and in which order shards may be processed: parents before
/// children.
package struct ShardLineage: Hashable, Sendable {
    private let shards: [Shard]
    private let rows: [ShardID: LeaseRow]

    package init(shards: [Shard], rows: [LeaseRow]) {
        self.shards = shards
        self.rows = Dictionary(rows.map { ($0.key.shard, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// A shard that needs a row, and where it starts.
    package struct Missing: Hashable, Sendable {
        package let shard: Shard
        package let start: StartingPosition
    }

    /// At first every shard that the starting position reaches; later the descendants of shards that have a
    /// row.
    ///
    /// These start at `TRIM_HORIZON` whatever the mapping says: their records follow those of their parents.
    package func missing(from start: StartingPosition) -> [Missing] {
        guard !rows.isEmpty else {
            // LATEST has nothing to say about closed shards; the other positions may lie inside one.
            return shards.filter { start != .latest || $0.isOpen }.map { Missing(shard: $0, start: start) }
        }
        // An open shard without a row is new, and so are the ancestors that lead to it, up to those that have
        // a row or have expired. What LATEST left out at first are closed shards whose children have rows, and so are
        // those whose rows were removed when they were finished.
        var needed: Set<ShardID> = []
        var ancestors: Set<ShardID> = []
        for shard in shards.reversed() where rows[shard.id] == nil {
            guard shard.isOpen || ancestors.contains(shard.id) || shard.parents.contains(where: isKnown)
            else {
                continue
            }
            needed.insert(shard.id)
            ancestors.formUnion(shard.parents)
        }
        return shards.filter { needed.contains($0.id) }.map { Missing(shard: $0, start: .trimHorizon) }
    }

    private func isKnown(_ shard: ShardID) -> Bool { rows[shard] != nil }

    /// Rows of an earlier stream of the same name: finished, while the shard of that name is open.
    package var stale: [LeaseRow] {
        shards.compactMap { shard in
            guard shard.isOpen, let row = rows[shard.id], row.checkpoint == .shardEnd else { return nil }
            return row
        }
    }

    /// The rows that can be worked on: not finished, and every parent finished or gone.
    package var workable: [LeaseRow] {
        rows.values.filter { row in
            row.checkpoint != .shardEnd
                && row.parents.allSatisfy { parent in rows[parent].map { $0.checkpoint == .shardEnd } ?? true
                }
        }
    }

    /// The rows of finished shards that nothing waits for any more, by KCL's rules: those of their parents are gone,
    /// and every child has been begun.
    ///
    /// Until then a child's row would not tell whether its parent was finished or never seen.
    package var removable: [LeaseRow] {
        let listed = Set(shards.map(\.id))
        var children: [ShardID: Set<ShardID>] = [:]
        for shard in shards { for parent in shard.parents { children[parent, default: []].insert(shard.id) } }
        for row in rows.values {
            children[row.key.shard, default: []].formUnion(row.children)
            for parent in row.parents { children[parent, default: []].insert(row.key.shard) }
        }
        return rows.values.filter { row in
            guard row.checkpoint == .shardEnd, !row.parents.contains(where: isKnown) else { return false }
            let children = children[row.key.shard] ?? []
            // A closed shard gets children; the listing may not show them yet.
            if children.isEmpty { return !listed.contains(row.key.shard) }
            return children.allSatisfy { child in
                rows[child].map { $0.checkpoint > .start(.trimHorizon) } ?? !listed.contains(child)
            }
        }.sorted { $0.key < $1.key }
    }
}

// MARK: - The hash key space

extension ShardLineage {
    /// The hash keys whose records no unfinished row takes, lowest first; `nil` when a row does not tell its range.
    package var holes: [HashKeyRange]? {
        let listed = Dictionary(
            shards.map { ($0.id, $0.hashKeyRange) },
            uniquingKeysWith: { first, _ in first }
        )
        var ranges: [HashKeyRange] = []
        for row in rows.values where row.checkpoint != .shardEnd {
            guard let range = row.hashKeyRange ?? listed[row.key.shard] else { return nil }
            ranges.append(range)
        }
        ranges.sort { $0.start < $1.start }
        var holes: [HashKeyRange] = []
        // The first key that is not covered yet.
        var next: UInt128 = 0
        for range in ranges {
            if range.start > next { holes.append(HashKeyRange(start: next, end: range.start - 1)) }
            guard range.end < .max else { return holes }
            next = max(next, range.end + 1)
        }
        return holes + [HashKeyRange(start: next, end: .max)]
    }

    /// The youngest shards of the stream that take such keys and have no row.
    package func filling(_ holes: [HashKeyRange]) -> [Missing] {
        let followed = Set(shards.flatMap(\.parents)).union(rows.values.flatMap(\.parents))
        return shards.filter { shard in
            rows[shard.id] == nil && !followed.contains(shard.id)
                && holes.contains { $0.start <= shard.hashKeyRange.end && shard.hashKeyRange.start <= $0.end }
        }.map { Missing(shard: $0, start: .trimHorizon) }
    }
}

/// Tells holes that stay from those that a reshard leaves for a moment.
package struct HashRangeAudit: Sendable {
    /// KCL's: so many looks in a row must find a hole.
    package static let looks = 3

    private var seen: [HashKeyRange: Int] = [:]

    package init() {}

    /// The holes that were found by the last looks, all of them.
    package var confirmed: [HashKeyRange] {
        seen.filter { $0.value >= Self.looks }.keys.sorted { $0.start < $1.start }
    }

    /// - Returns: The holes that this look has confirmed.
    package mutating func note(_ holes: [HashKeyRange]) -> [HashKeyRange] {
        let before = seen
        seen = Dictionary(uniqueKeysWithValues: holes.map { ($0, (before[$0] ?? 0) + 1) })
        return holes.filter { seen[$0] == Self.looks }
    }
}
