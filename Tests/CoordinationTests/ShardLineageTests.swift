import Coordination
import StreamCore
import Testing

struct ShardLineageTests {
    private let time = StartingPosition.atTimestamp(Timestamp(milliseconds: 1_700_000_000_000))

    private func missing(
        _ shards: [Shard],
        rows: [LeaseRow] = [],
        from start: StartingPosition = .trimHorizon
    ) -> [String] {
        ShardLineage(shards: shards, rows: rows).missing(from: start).map { missing in
            let number = missing.shard.id.text.drop { !$0.isNumber }.drop { $0 == "0" }
            return "\(number.isEmpty ? "0" : number) \(missing.start.name)"
        }
    }

    private func workable(_ rows: LeaseRow...) -> Set<LeaseKey> {
        Set(ShardLineage(shards: [], rows: rows).workable.map(\.key))
    }

    // MARK: Rows to add

    @Test func `at first every shard gets a row at the starting position`() {
        let shards = [Shard.closed(0), .open(1, parents: 0), .open(2, parents: 0)]

        #expect(missing(shards) == ["0 TRIM_HORIZON", "1 TRIM_HORIZON", "2 TRIM_HORIZON"])
        #expect(missing(shards, from: time) == ["0 AT_TIMESTAMP", "1 AT_TIMESTAMP", "2 AT_TIMESTAMP"])
    }

    @Test func `LATEST starts in the open shards alone, and their closed ancestors stay without a row`() {
        let shards = [Shard.closed(0), .closed(1, parents: 0), .open(2, parents: 1), .open(3, parents: 1)]

        #expect(missing(shards, from: .latest) == ["2 LATEST", "3 LATEST"])
        #expect(
            missing(shards, rows: [.shard(2, parents: [1]), .shard(3, parents: [1])], from: .latest).isEmpty
        )
    }

    @Test func `shards that have their rows miss nothing`() {
        #expect(missing([.open(0), .open(1)], rows: [.shard(0), .shard(1)]).isEmpty)
    }

    @Test func `children start at TRIM_HORIZON whatever the mapping says`() {
        let shards = [Shard.closed(0), .open(1, parents: 0), .open(2, parents: 0)]

        #expect(missing(shards, rows: [.shard(0)], from: .latest) == ["1 TRIM_HORIZON", "2 TRIM_HORIZON"])
        #expect(missing(shards, rows: [.shard(0)], from: time) == ["1 TRIM_HORIZON", "2 TRIM_HORIZON"])
    }

    @Test func `children of children are added with them, parents first`() {
        let shards = [Shard.closed(0), .closed(1, parents: 0), .open(2, parents: 0), .open(3, parents: 1)]

        let added = missing(shards, rows: [.shard(0)])

        #expect(added == ["1 TRIM_HORIZON", "2 TRIM_HORIZON", "3 TRIM_HORIZON"])
    }

    @Test func `the child of a merge is added once`() {
        let shards = [Shard.closed(0), .closed(1), .open(2, parents: 0, 1)]

        #expect(missing(shards, rows: [.shard(0), .shard(1)]) == ["2 TRIM_HORIZON"])
    }

    @Test(arguments: [[1], []])
    func `descendants are added although the shards in between have expired`(parents: [Int]) {
        // While the host was down, 0 was split into 1 and 2, then 1 into 3 and 4; 0 and 1 have expired.
        let third = parents.isEmpty ? Shard.open(3) : .open(3, parents: 1)
        let fourth = parents.isEmpty ? Shard.closed(4) : .closed(4, parents: 1)
        let shards = [Shard.open(2, parents: 0), third, fourth, .open(5, parents: 4)]

        let added = missing(shards, rows: [.shard(0, checkpoint: .at(7))], from: .latest)

        #expect(added == ["2 TRIM_HORIZON", "3 TRIM_HORIZON", "4 TRIM_HORIZON", "5 TRIM_HORIZON"])
    }

    @Test func `a stream that was deleted after a split and made anew starts over`() {
        let rows = [
            LeaseRow.shard(0, checkpoint: .shardEnd), .shard(1, checkpoint: .at(5), parents: [0]),
            .shard(2, checkpoint: .at(6), parents: [0]),
        ]

        #expect(ShardLineage(shards: [.open(0)], rows: rows).stale.map(\.key) == [.shard(0)])
        #expect(missing([.open(0)], rows: Array(rows.dropFirst())) == ["0 TRIM_HORIZON"])
    }

    // MARK: Rows of an earlier stream

    @Test func `a finished row is stale while the shard of that name is open`() {
        let rows = [
            LeaseRow.shard(0, checkpoint: .shardEnd), .shard(1, checkpoint: .shardEnd),
            .shard(2, checkpoint: .at(9)),
            .shard(3, checkpoint: .shardEnd),
        ]

        let lineage = ShardLineage(shards: [.open(0), .closed(1), .open(2)], rows: rows)

        #expect(lineage.stale.map(\.key) == [.shard(0)])
    }

    // MARK: Order

    @Test func `a child is not worked on before its parent is finished`() {
        #expect(workable(.shard(0), .shard(1, parents: [0])) == [.shard(0)])
        #expect(workable(.shard(0, checkpoint: .at(5)), .shard(1, parents: [0])) == [.shard(0)])
        #expect(workable(.shard(0, checkpoint: .shardEnd), .shard(1, parents: [0])) == [.shard(1)])
    }

    @Test func `the child of a merge waits for both parents`() {
        let child = LeaseRow.shard(2, parents: [0, 1])

        #expect(workable(.shard(0, checkpoint: .shardEnd), .shard(1), child) == [.shard(1)])
        #expect(workable(.shard(0), .shard(1, checkpoint: .shardEnd), child) == [.shard(0)])
        #expect(
            workable(.shard(0, checkpoint: .shardEnd), .shard(1, checkpoint: .shardEnd), child) == [.shard(2)]
        )
    }

    @Test func `a parent without a row is not waited for`() {
        #expect(workable(.shard(5, parents: [3])) == [.shard(5)])
    }

    @Test func `a finished shard is not worked on`() {
        #expect(workable(.shard(0, checkpoint: .shardEnd)).isEmpty)
    }

    // MARK: Rows that are no longer needed

    private func removable(_ shards: [Shard], _ rows: LeaseRow...) -> [LeaseKey] {
        ShardLineage(shards: shards, rows: rows).removable.map(\.key)
    }

    @Test func `a finished row goes once every child has been begun`() {
        let shards = [Shard.closed(0), .open(1, parents: 0), .open(2, parents: 0)]
        let parent = LeaseRow.shard(0, checkpoint: .shardEnd)
        let begun = LeaseRow.shard(1, checkpoint: .at(5), parents: [0])

        #expect(removable(shards, parent, begun, .shard(2, checkpoint: .at(9), parents: [0])) == [.shard(0)])
        #expect(
            removable(shards, parent, begun, .shard(2, checkpoint: .shardEnd, parents: [0])) == [.shard(0)]
        )
        #expect(removable(shards, parent, begun, .shard(2, parents: [0])).isEmpty)
        #expect(removable(shards, parent, begun, .shard(2, checkpoint: .start(time), parents: [0])).isEmpty)
        #expect(removable(shards, parent, begun).isEmpty, "a child without a row")
        #expect(removable(shards, .shard(0, checkpoint: .at(7)), begun).isEmpty, "not finished")
    }

    @Test func `a finished row stays while the row of its own parent does`() {
        let shards = [Shard.closed(0), .closed(1, parents: 0), .open(2, parents: 1)]
        let rows = (
            LeaseRow.shard(1, checkpoint: .shardEnd, parents: [0]),
            LeaseRow.shard(2, checkpoint: .at(8), parents: [1])
        )

        #expect(removable(shards, .shard(0, checkpoint: .shardEnd), rows.0, rows.1) == [.shard(0)])
        #expect(removable(shards, rows.0, rows.1) == [.shard(1)])
    }

    @Test func `both parents of a merge go when the child has been begun`() {
        let shards = [Shard.closed(0), .closed(1), .open(2, parents: 0, 1)]
        let parents = (LeaseRow.shard(0, checkpoint: .shardEnd), LeaseRow.shard(1, checkpoint: .shardEnd))

        #expect(removable(shards, parents.0, parents.1, .shard(2, parents: [0, 1])).isEmpty)
        #expect(
            removable(shards, parents.0, parents.1, .shard(2, checkpoint: .at(3), parents: [0, 1]))
                == [.shard(0), .shard(1)]
        )
    }

    @Test func `a finished shard whose children are not listed yet stays, an expired one goes`() {
        #expect(removable([.closed(0)], .shard(0, checkpoint: .shardEnd)).isEmpty)
        #expect(removable([.open(5)], .shard(0, checkpoint: .shardEnd)) == [.shard(0)])
    }

    @Test func `a row that was removed is not missed`() {
        let shards = [Shard.closed(0), .open(1, parents: 0), .open(2, parents: 0)]
        let rows = [
            LeaseRow.shard(1, checkpoint: .at(5), parents: [0]), .shard(2, checkpoint: .at(6), parents: [0]),
        ]

        #expect(missing(shards, rows: rows).isEmpty)
    }

    // MARK: Hash keys that nobody takes

    @Test func `unfinished rows cover every hash key, or leave holes`() {
        func holes(_ rows: LeaseRow...) -> [HashKeyRange]? { ShardLineage(shards: [], rows: rows).holes }
        let low = HashKeyRange(start: 0, end: 99)
        let high = HashKeyRange(start: 100, end: .max)

        #expect(holes(.shard(0, range: low), .shard(1, range: high)) == [])
        #expect(holes(.shard(0, range: low), .shard(1, checkpoint: .shardEnd, range: high)) == [high])
        #expect(holes(.shard(1, range: high)) == [low])
        #expect(
            holes(.shard(0, range: low), .shard(1, range: HashKeyRange(start: 50, end: 149)))
                == [HashKeyRange(start: 150, end: .max)]
        )
        #expect(holes(.shard(0, range: low), .shard(1)) == nil, "a row that does not tell its range")
    }

    @Test func `a hole is believed when three looks in a row find it`() {
        let hole = HashKeyRange(start: 0, end: 99)
        var audit = HashRangeAudit()

        #expect(audit.note([hole]).isEmpty)
        #expect(audit.note([hole]).isEmpty)
        #expect(audit.note([]).isEmpty)
        #expect(audit.note([hole]).isEmpty)
        #expect(audit.note([hole]).isEmpty)
        #expect(audit.note([hole]) == [hole])
        #expect(audit.note([hole]).isEmpty, "it is told once")
        #expect(audit.confirmed == [hole])
    }

    @Test func `a hole is filled with the youngest shards that have no row`() {
        let shards = [Shard.closed(0), .closed(1, parents: 0), .open(2)]
        let lineage = ShardLineage(shards: shards, rows: [.shard(2)])

        #expect(lineage.filling([HashKeyRange(start: 0, end: 9)]).map(\.shard.id) == [ShardID(number: 1)])
    }
}
