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
        // a row or have expired. What LATEST left out at first are closed shards whose children have rows.
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
    package var stale: [LeaseKey] {
        shards.compactMap { shard in
            guard shard.isOpen, let row = rows[shard.id], row.checkpoint == .shardEnd else { return nil }
            return row.key
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
}
