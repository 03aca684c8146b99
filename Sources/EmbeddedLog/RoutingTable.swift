import StreamCore

/// Which open shard takes which hash key.
///
/// The open shards of a stream cover all keys, each once.
struct RoutingTable: Sendable {
    private let starts: [UInt128]
    let shards: [ShardLog]

    init(_ shards: [(range: HashKeyRange, shard: ShardLog)]) {
        let sorted = shards.sorted { $0.range.start < $1.range.start }
        starts = sorted.map(\.range.start)
        self.shards = sorted.map(\.shard)
    }

    /// Records grouped by shard: `order` holds indices of records, `shards[n]` has those in `bounds[n]..<bounds[n + 1]`.
    struct Groups {
        var order: [UInt32]
        var bounds: [Int]
    }

    /// Groups the records without changing the order of those of one shard.
    func groups(of records: NewRecords, _ indices: [UInt32]) -> Groups {
        let places = places(of: records, indices)
        var bounds = [Int](repeating: 0, count: shards.count + 1)
        for place in places { bounds[Int(place) + 1] += 1 }
        for shard in 0..<shards.count { bounds[shard + 1] += bounds[shard] }
        var next = bounds
        var order = [UInt32](repeating: 0, count: indices.count)
        for (index, place) in zip(indices, places) {
            order[next[Int(place)]] = index
            next[Int(place)] += 1
        }
        return Groups(order: order, bounds: bounds)
    }

    private func places(of records: NewRecords, _ indices: [UInt32]) -> [UInt32] {
        records.entries.withUnsafeBufferPointer { entries in
            starts.withUnsafeBufferPointer { starts in
                indices.map { index in
                    let key = entries[Int(index)].hashKey
                    var low = 0
                    var high = starts.count
                    while low < high {
                        let middle = (low + high) / 2
                        if starts[middle] <= key { low = middle + 1 } else { high = middle }
                    }
                    return UInt32(max(0, low - 1))
                }
            }
        }
    }
}
