import StreamCore
import Testing

@Suite struct HashKeyRangeTests {
    @Test(arguments: [1, 2, 3, 4, 7, 100, 10_000])
    func `even ranges cover all hash keys, each once`(count: Int) {
        let ranges = HashKeyRange.even(count: count)

        #expect(ranges.count == count)
        #expect(ranges.first?.start == 0)
        #expect(ranges.last?.end == .max)
        for (left, right) in zip(ranges, ranges.dropFirst()) { #expect(left.end + 1 == right.start) }
    }

    @Test func `both ends belong to a range`() {
        let range = HashKeyRange(start: 10, end: 20)

        #expect(range.contains(10) && range.contains(20))
        #expect(!range.contains(9) && !range.contains(21))
        #expect(HashKeyRange(start: 5, end: 5).contains(5))
    }

    @Test func `four shards are cut as Kinesis cuts them`() {
        let starts = HashKeyRange.even(count: 4).map { String($0.start) }

        #expect(
            starts == [
                "0", "85070591730234615865843651857942052864", "170141183460469231731687303715884105728",
                "255211775190703847597530955573826158592",
            ]
        )
    }

    @Test func `three shards are cut as Kinesis cuts them`() {
        let starts = HashKeyRange.even(count: 3).map { String($0.start) }

        #expect(
            starts == [
                "0", "113427455640312821154458202477256070485", "226854911280625642308916404954512140970",
            ]
        )
    }

    @Test(arguments: [1, 3, 7, 5_000])
    func `every second of twice as many shards begins where a shard does`(count: Int) {
        let starts = HashKeyRange.even(count: count * 2).map(\.start)

        #expect(
            stride(from: 0, to: count * 2, by: 2).map { starts[$0] }
                == HashKeyRange.even(count: count).map(\.start)
        )
    }
}
