import StreamCore

extension MappingID {
    /// By its hash a single lease is for `thief` or `other` before `a`, and for `a` before `b` and `c`.
    static let flights: MappingID = "6f1c52a4-93b1-4c4e-8f57-0a2d6f0f0010"
}

extension LeaseKey {
    static func shard(_ number: Int, of mapping: MappingID = .flights) -> LeaseKey {
        LeaseKey(mapping: mapping, shard: ShardID(number: number))
    }
}

extension LeaseRow {
    static func shard(
        _ number: Int,
        of mapping: MappingID = .flights,
        owner: WorkerID? = nil,
        checkpointOwner: WorkerID? = nil,
        counter: UInt64 = 1,
        checkpoint: Checkpoint = .start(.trimHorizon),
        parents: [Int] = [],
        range: HashKeyRange? = nil,
        throughput: Double? = nil,
        isOrphaned: Bool = false
    ) -> LeaseRow {
        LeaseRow(
            key: .shard(number, of: mapping),
            owner: owner,
            checkpointOwner: checkpointOwner,
            counter: counter,
            checkpoint: checkpoint,
            parents: parents.map { ShardID(number: $0) },
            hashKeyRange: range,
            throughput: throughput,
            isOrphaned: isOrphaned
        )
    }
}

extension Shard {
    static func open(_ number: Int, parents: Int...) -> Shard { make(number, parents, ending: nil) }

    static func closed(_ number: Int, parents: Int...) -> Shard { make(number, parents, ending: 1000) }

    private static func make(_ number: Int, _ parents: [Int], ending: SequenceNumber?) -> Shard {
        let parents = parents.map { ShardID(number: $0) }
        return Shard(
            id: ShardID(number: number),
            hashKeyRange: HashKeyRange(start: 0, end: .max),
            parent: parents.first,
            adjacentParent: parents.dropFirst().first,
            startingSequenceNumber: .zero,
            endingSequenceNumber: ending
        )
    }
}
