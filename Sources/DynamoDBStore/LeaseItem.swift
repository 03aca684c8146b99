package import StreamCore

/// A row of KCL's lease table.
struct LeaseItem: Sendable {
    /// KCL's attributes, and those of ours that begin with `millrace`, which a worker of KCL leaves alone.
    enum Attribute {
        static let counter = "leaseCounter"
        /// The counter at acquisition by one of our workers: it names the tenure.
        static let fence = "millraceFence"
        /// The counter after our last write.
        ///
        /// Another number in `leaseCounter` says that KCL has written since.
        static let counterOfOurs = "millraceCounter"
        /// The checkpoint as we last wrote or found it.
        ///
        /// Another one in `checkpoint` says that KCL has moved it.
        static let checkpointOfOurs = "millraceCheckpoint"
        /// The fence under which progress began that is still good: since then only we have moved the checkpoint.
        static let lineage = "millraceLineage"
        /// The number of the tenure's last transaction.
        static let transactionNumber = "millraceCommit"
        /// What stands beside `AT_TIMESTAMP`, in milliseconds; KCL has the time in its configuration.
        static let startTimestamp = "millraceStartTimestamp"
    }

    let item: Item
    let shard: ShardID

    /// - Returns: `nil` for a row of KCL 3.5's single table that is no lease.
    /// - Throws: `MultiStreamTable`.
    init?(_ item: Item, of table: String) throws {
        guard let key = item["leaseKey"]?.string else { return nil }
        if let type = item["entityType"]?.string, type != "LEASE" { return nil }
        // The leader's lock and the like have neither.
        guard item["checkpoint"] != nil, item[Attribute.counter] != nil else { return nil }
        guard let shard = ShardID(key) else { throw MultiStreamTable(table: table, key: key) }
        self.item = item
        self.shard = shard
    }

    var counter: UInt64 { item[Attribute.counter]?.unsigned ?? 0 }
    var owner: WorkerID? { item["leaseOwner"]?.string.map { WorkerID(unchecked: $0) } }
    var checkpointOwner: WorkerID? { item["checkpointOwner"]?.string.map { WorkerID(unchecked: $0) } }
    var fence: UInt64? { item[Attribute.fence]?.unsigned }
    var checkpointText: String { item["checkpoint"]?.string ?? "" }
    private var subSequenceNumber: UInt64 { item["checkpointSubSequenceNumber"]?.unsigned ?? 0 }

    /// Whether this lease is held under this fence, and nobody else has written to the row since its last write.
    func isHeld(by lease: Lease) -> Bool {
        (checkpointOwner ?? owner) == lease.owner && fence == lease.counter
            && item[Attribute.counterOfOurs]?.unsigned == counter
    }

    /// The lineage that holds on under a new fence.
    func lineage(under fence: UInt64) -> UInt64 {
        let isOurs = item[Attribute.checkpointOfOurs]?.string == checkpointText
        return isOurs ? item[Attribute.lineage]?.unsigned ?? fence : fence
    }

    /// How many digits the numbers of this stream are filled up to with zeros.
    ///
    /// The service has none in front; emulators do, and compare numbers as texts.
    var digitCount: Int? {
        checkpointText.first == "0" && checkpointText.count > 1 ? checkpointText.utf8.count : nil
    }

    func checkpoint(startingAt start: Timestamp?, key: LeaseKey) throws -> Checkpoint {
        switch checkpointText {
        case "TRIM_HORIZON": return .start(.trimHorizon)
        case "LATEST": return .start(.latest)
        case "SHARD_END": return .shardEnd
        case "AT_TIMESTAMP":
            let own = item[Attribute.startTimestamp]?.signed.map(Timestamp.init(milliseconds:))
            guard let time = own ?? start else { throw UnknownStart(key: key) }
            return .start(.atTimestamp(time))
        default:
            guard let number = SequenceNumber(checkpointText) else {
                throw UnreadableCheckpoint(key: key, text: checkpointText)
            }
            // Above 0 a worker of KCL may have stopped in the middle of an aggregate: its record is read again.
            guard subSequenceNumber > 0, let before = number.predecessor else { return .at(number) }
            return .at(before)
        }
    }

    func row(of mapping: MappingID, startingAt start: Timestamp?) throws -> LeaseRow {
        let key = LeaseKey(mapping: mapping, shard: shard)
        return LeaseRow(
            key: key,
            owner: owner,
            checkpointOwner: checkpointOwner,
            counter: counter,
            checkpoint: try checkpoint(startingAt: start, key: key),
            parents: parents,
            children: shards("childShardIds"),
            hashKeyRange: hashKeyRange,
            throughput: item["throughputKBps"]?.double
        )
    }

    var parents: [ShardID] { shards("parentShardId") }

    /// No record of it has been processed.
    var isNotBegun: Bool { ["TRIM_HORIZON", "LATEST", "AT_TIMESTAMP"].contains(checkpointText) }

    /// Sets have no order.
    private func shards(_ attribute: String) -> [ShardID] {
        (item[attribute]?.strings ?? []).sorted().map { ShardID(unchecked: $0) }
    }

    private var hashKeyRange: HashKeyRange? {
        guard let start = item["startingHashKey"]?.string.flatMap({ UInt128($0) }),
            let end = item["endingHashKey"]?.string.flatMap({ UInt128($0) }), start <= end
        else { return nil }
        return HashKeyRange(start: start, end: end)
    }
}

extension LeaseItem {
    /// The row of a shard that has none: unowned, as KCL makes it.
    static func new(_ new: NewLease, hasEntityType: Bool) -> Item {
        let shard = new.shard
        var item: Item = [
            "leaseKey": .string(shard.id.text),
            Attribute.counter: .number("0"),
            "ownerSwitchesSinceCheckpoint": .number("0"),
            "checkpoint": .string(new.checkpoint.description),
            "checkpointSubSequenceNumber": .number("0"),
            "startingHashKey": .string(String(shard.hashKeyRange.start)),
            "endingHashKey": .string(String(shard.hashKeyRange.end)),
            Attribute.checkpointOfOurs: .string(new.checkpoint.description),
        ]
        if !shard.parents.isEmpty { item["parentShardId"] = .strings(Set(shard.parents.map(\.text))) }
        if hasEntityType { item["entityType"] = .string("LEASE") }
        if case .start(.atTimestamp(let time)) = new.checkpoint {
            item[Attribute.startTimestamp] = .number(time.milliseconds)
        }
        return item
    }
}

extension SequenceNumber {
    /// The next smaller number; zero has none.
    fileprivate var predecessor: SequenceNumber? {
        guard self != .zero else { return nil }
        let (newLow, borrow) = low.subtractingReportingOverflow(1)
        let (newMiddle, borrow2) = middle.subtractingReportingOverflow(borrow ? 1 : 0)
        return SequenceNumber(high: high - (borrow2 ? 1 : 0), middle: newMiddle, low: newLow)
    }
}

/// The table has leases of many streams.
package struct MultiStreamTable: Error, Hashable, Sendable, CustomStringConvertible {
    package let table: String
    package let key: String

    package var description: String {
        "table \(table) belongs to an application of many streams (lease \(key)); "
            + "choose another application name: one mapping reads one stream"
    }
}

/// A lease of KCL starts at a time that only its configuration knows.
package struct UnknownStart: Error, Hashable, Sendable, CustomStringConvertible {
    package let key: LeaseKey

    package var description: String {
        "lease \(key) was made by the Kinesis Client Library at AT_TIMESTAMP, without the time; "
            + "start the mapping at the same time as that application"
    }
}

package struct UnreadableCheckpoint: Error, Hashable, Sendable, CustomStringConvertible {
    package let key: LeaseKey
    package let text: String

    package var description: String { "lease \(key) has the checkpoint \"\(text)\", which is no position" }
}
