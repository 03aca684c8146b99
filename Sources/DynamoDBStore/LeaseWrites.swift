import StreamCore

/// The changes of a lease's row, as expressions.
///
/// A worker of KCL fences itself by `leaseCounter` alone: whoever raises it takes the lease from it. Ours are fenced by
/// holder, tenure and counter: `leaseCounter` must be what our last write left there, so that a lease that went to a
/// worker of KCL, and even back to the same worker of ours, is lost to the tenure before. A request to hand over does not
/// raise the counter, and so does not disturb the holder.
struct LeaseWrites: Sendable {
    typealias Attribute = LeaseItem.Attribute

    let table: String

    private static let raise = "leaseCounter = leaseCounter + :one, millraceCounter = leaseCounter + :one"

    private static let isFenced = "millraceFence = :fence AND leaseCounter = millraceCounter"
    private static let isHeldAsOwner =
        "\(isFenced) AND leaseOwner = :me AND attribute_not_exists(checkpointOwner)"
    private static let isHeldInHandOff = "\(isFenced) AND checkpointOwner = :me"
    private static let isHeld =
        "\(isFenced) AND (checkpointOwner = :me OR (attribute_not_exists(checkpointOwner) AND leaseOwner = :me))"

    static func key(_ shard: ShardID) -> Item { ["leaseKey": .string(shard.text)] }

    private func update(
        _ shard: ShardID,
        _ expression: String,
        if condition: String,
        _ values: Item
    ) -> ItemUpdate {
        ItemUpdate(
            TableName: table,
            Key: Self.key(shard),
            UpdateExpression: expression,
            ConditionExpression: condition,
            ExpressionAttributeValues: values
        )
    }

    private func values(of lease: Lease) -> Item {
        [":one": .number("1"), ":me": .string(lease.owner.text), ":fence": .number(lease.counter)]
    }

    /// - Parameter row: As it was read with the counter that was seen.
    func acquire(_ row: LeaseItem, for worker: WorkerID) -> ItemUpdate {
        let fence = row.counter + 1
        var expression =
            "SET leaseOwner = :me, millraceFence = :fence, millraceLineage = :lineage, "
            + "millraceCheckpoint = checkpoint, \(Self.raise)"
        var values: Item = [
            ":one": .number("1"), ":me": .string(worker.text), ":fence": .number(fence),
            ":lineage": .number(row.lineage(under: fence)), ":seen": .number(row.counter),
        ]
        if let owner = row.owner, owner != worker {
            expression +=
                ", ownerSwitchesSinceCheckpoint = if_not_exists(ownerSwitchesSinceCheckpoint, :zero) + :one"
            values[":zero"] = .number("0")
        }
        return update(
            row.shard,
            expression + " REMOVE checkpointOwner, \(Attribute.transactionNumber)",
            if: "leaseCounter = :seen",
            values
        )
    }

    /// A row that waits for its new owner after one of ours has released it is held by nobody; of a row of KCL that is
    /// not to be seen.
    func requestHandOff(_ shard: ShardID, from holder: WorkerID, to worker: WorkerID) -> ItemUpdate {
        update(
            shard,
            "SET leaseOwner = :me, checkpointOwner = :holder",
            if: "leaseOwner = :holder AND attribute_not_exists(checkpointOwner) AND "
                + "(attribute_exists(millraceFence) OR attribute_not_exists(millraceCounter) "
                + "OR leaseCounter <> millraceCounter)",
            [":me": .string(worker.text), ":holder": .string(holder.text)]
        )
    }

    func renew(_ lease: Lease, throughput: Double?) -> ItemUpdate {
        var values = values(of: lease)
        var expression = "SET \(Self.raise)"
        if let throughput, throughput.isFinite {
            values[":throughput"] = .number(throughput)
            expression += ", throughputKBps = :throughput"
        }
        return update(lease.key.shard, expression, if: Self.isHeld, values)
    }

    /// - Parameters:
    ///   - text: As it is to stand in the row.
    ///   - previous: What stands there now, when that was read: else the row's own is compared.
    func checkpoint(_ lease: Lease, at checkpoint: Checkpoint, text: String, over previous: String? = nil)
        -> ItemUpdate
    {
        var values = values(of: lease)
        values[":checkpoint"] = .string(text)
        values[":zero"] = .number("0")
        var expression =
            "SET checkpoint = :checkpoint, checkpointSubSequenceNumber = :zero, millraceCheckpoint = :checkpoint, "
            + "ownerSwitchesSinceCheckpoint = :zero, \(Self.raise)"
        // As KCL does: what an application has prepared and not confirmed is void.
        var removed = "pendingCheckpoint, pendingCheckpointSubSequenceNumber, pendingCheckpointState"
        if case .start(.atTimestamp(let time)) = checkpoint {
            values[":start"] = .number(time.milliseconds)
            expression += ", millraceStartTimestamp = :start"
        } else {
            removed += ", millraceStartTimestamp"
        }
        let isLater: String
        if let previous {
            values[":previous"] = .string(previous)
            isLater = "checkpoint = :previous"
        } else {
            isLater = Self.isLater(than: checkpoint, text, &values)
        }
        return update(
            lease.key.shard,
            "\(expression) REMOVE \(removed)",
            if: "\(Self.isHeld) AND (\(isLater))",
            values
        )
    }

    /// A holder's write as part of a transaction that none of a smaller number may follow.
    ///
    /// One that was given up for want of an answer may arrive after those that came after it: where it moves no checkpoint,
    /// or one that is moved already, nothing else would keep its progress from replacing theirs.
    func numbered(_ write: ItemUpdate, _ number: UInt64) -> ItemUpdate {
        let name = Attribute.transactionNumber
        var numbered = write
        numbered.UpdateExpression = "SET \(name) = :number, " + write.UpdateExpression.dropFirst("SET ".count)
        let isNext = "(attribute_not_exists(\(name)) OR \(name) < :number)"
        numbered.ConditionExpression = write.ConditionExpression.map { "\($0) AND \(isNext)" } ?? isNext
        numbered.ExpressionAttributeValues?[":number"] = .number(number)
        return numbered
    }

    /// The condition that the row's checkpoint is before the new one.
    ///
    /// Numbers have no leading zeros: the longer one is the larger. Words begin behind all digits.
    private static func isLater(than checkpoint: Checkpoint, _ text: String, _ values: inout Item) -> String {
        func words(_ words: [String]) -> String {
            guard !words.isEmpty else { return "attribute_not_exists(checkpoint)" }
            for (index, word) in words.enumerated() { values[":word\(index)"] = .string(word) }
            return "checkpoint IN (\(words.indices.map { ":word\($0)" }.joined(separator: ", ")))"
        }
        switch checkpoint {
        case .start(.atTimestamp): return words([])
        case .start(.trimHorizon): return words(["AT_TIMESTAMP"])
        case .start(.latest): return words(["AT_TIMESTAMP", "TRIM_HORIZON"])
        case .shardEnd:
            values[":end"] = .string("SHARD_END")
            return "checkpoint <> :end"
        case .at:
            values[":letters"] = .string(":")
            values[":length"] = .number(Int64(text.utf8.count))
            return words(["AT_TIMESTAMP", "TRIM_HORIZON", "LATEST"])
                + " OR (checkpoint < :letters AND (size(checkpoint) < :length"
                + " OR (size(checkpoint) = :length AND checkpoint < :checkpoint)))"
        }
    }

    func release(_ lease: Lease, toNextOwner: Bool) -> ItemUpdate {
        update(
            lease.key.shard,
            "SET \(Self.raise) REMOVE millraceFence, \(toNextOwner ? "checkpointOwner" : "leaseOwner")",
            if: toNextOwner ? Self.isHeldInHandOff : Self.isHeldAsOwner,
            values(of: lease)
        )
    }

    func free(_ shard: ShardID, seen counter: UInt64) -> ItemUpdate {
        update(
            shard,
            "SET \(Self.raise) REMOVE leaseOwner, checkpointOwner, millraceFence",
            if: "leaseCounter = :seen",
            [":one": .number("1"), ":seen": .number(counter)]
        )
    }

    func remove(_ shard: ShardID, seen counter: UInt64) -> ItemDelete {
        ItemDelete(
            TableName: table,
            Key: Self.key(shard),
            ConditionExpression: "leaseCounter = :seen",
            ExpressionAttributeValues: [":seen": .number(counter)]
        )
    }

    func addChild(_ child: ShardID, to parent: ShardID) -> ItemUpdate {
        update(
            parent,
            "ADD childShardIds :child",
            if: "attribute_exists(leaseKey)",
            [":child": .strings([child.text])]
        )
    }
}
