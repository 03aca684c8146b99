import StreamCore
import TestSupport
import Testing

@testable import EmbeddedLog

@Suite struct ReshardPlanTests {
    private static let time = Timestamp(milliseconds: 1_700_000_000_000)

    private static func pieces(_ ranges: [HashKeyRange]) -> [ReshardPlan.Piece] {
        ranges.enumerated().map { number, range in
            ReshardPlan.Piece(number: number, createdSeconds: 1_699_999_999, range: range)
        }
    }

    /// The open shards after a plan, in the order of their hash keys.
    private static func open(_ pieces: [ReshardPlan.Piece], after plan: ReshardPlan) -> [HashKeyRange] {
        let kept = pieces.filter { !plan.parents.contains($0.number) }.map(\.range)
        return (kept + plan.made.filter(\.isOpen).map(\.range)).sorted { $0.start < $1.start }
    }

    @Test(arguments: [(1, 2, 1), (2, 4, 2), (4, 2, 4), (2, 3, 2), (3, 2, 3), (3, 6, 3), (3, 3, 0), (1, 1, 0)])
    func `even ranges are reached by closing only those that differ`(from: Int, to: Int, closed: Int) {
        let pieces = Self.pieces(HashKeyRange.even(count: from))
        var plan = ReshardPlan(firstNumber: from, time: Self.time)

        plan.spread(pieces, over: to)

        #expect(Self.open(pieces, after: plan) == HashKeyRange.even(count: to))
        #expect(plan.parents.count == closed)
    }

    @Test func `any ranges become even ones by splits in two and merges of two neighbours`() throws {
        var random = SeededRandom()
        print("seed \(random.seed)")
        for _ in 0..<200 {
            let count = Int.random(in: 1...40, using: &random)
            let starts = Set((1..<count).map { _ in UInt128.random(in: 1...UInt128.max, using: &random) })
            let sorted = [0] + starts.sorted()
            let ranges = sorted.enumerated().map { index, start in
                HashKeyRange(start: start, end: index + 1 < sorted.count ? sorted[index + 1] - 1 : .max)
            }
            let pieces = Self.pieces(ranges)
            let target = Int.random(in: 1...40, using: &random)
            var plan = ReshardPlan(firstNumber: pieces.count, time: Self.time)

            plan.spread(pieces, over: target)

            #expect(Self.open(pieces, after: plan) == HashKeyRange.even(count: target))
            try expectLineage(of: plan, from: pieces)
        }
    }

    /// Each shard is one half of its parent, or all of its two parents, and younger than they are.
    private func expectLineage(of plan: ReshardPlan, from pieces: [ReshardPlan.Piece]) throws {
        var known = Dictionary(uniqueKeysWithValues: pieces.map { ($0.number, $0) })
        for shard in plan.made {
            let parentNumber = try #require(shard.parent)
            let parent = try #require(known[parentNumber])
            #expect(shard.createdSeconds > parent.createdSeconds)
            if let number = shard.adjacentParent {
                let adjacent = try #require(known[number])
                #expect(parent.range.end + 1 == adjacent.range.start)
                #expect(shard.range == HashKeyRange(start: parent.range.start, end: adjacent.range.end))
                #expect(shard.createdSeconds > adjacent.createdSeconds)
            } else {
                #expect(parent.range.start == shard.range.start || parent.range.end == shard.range.end)
            }
            known[shard.number] = ReshardPlan.Piece(shard)
        }
    }

    @Test func `few generations lie between a shard and the last of its pieces`() {
        let pieces = Self.pieces(HashKeyRange.even(count: 1))
        var plan = ReshardPlan(firstNumber: 1, time: Self.time)

        plan.spread(pieces, over: 1000)

        let youngest = plan.made.map(\.createdSeconds).max() ?? 0
        #expect(Int64(youngest) <= Self.time.milliseconds / 1000 + 10)
        #expect(plan.made.count == 2 * 999)
    }
}
