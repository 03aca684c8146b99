import EmbeddedLog
import StreamCore
import Testing

/// Everything in a stream, read shard by shard, parents before children.
struct StreamReading {
    struct Record: Hashable {
        let key: String
        let number: Int
        let shard: ShardID
        let sequenceNumber: SequenceNumber
    }

    let shards: [Shard]
    let records: [Record]

    /// The payload of each record says its key and its number among those of the key.
    init(of stream: EmbeddedStream) throws {
        shards = try stream.listShards()
        records = try shards.flatMap { shard in
            let batch = try stream.readAll(shard.id)
            return batch.entries.indices.map { index in
                let words = String(decoding: batch.payload(at: index), as: UTF8.self).split(separator: " ")
                return Record(
                    key: batch.partitionKey(at: index),
                    number: words.count == 2 ? Int(words[1]) ?? -1 : -1,
                    shard: shard.id,
                    sequenceNumber: batch.entries[index].sequenceNumber
                )
            }
        }
    }

    /// The open shards cover every hash key once, and each closed shard has children, which are younger.
    func expectWholeLineage(sourceLocation: SourceLocation = #_sourceLocation) {
        let ranges = shards.filter(\.isOpen).map(\.hashKeyRange).sorted { $0.start < $1.start }
        #expect(ranges.first?.start == 0, sourceLocation: sourceLocation)
        #expect(ranges.last?.end == .max, sourceLocation: sourceLocation)
        for (left, right) in zip(ranges, ranges.dropFirst()) {
            #expect(left.end + 1 == right.start, sourceLocation: sourceLocation)
        }
        for (index, shard) in shards.enumerated() {
            guard let end = shard.endingSequenceNumber else { continue }
            let children = shards[index...].filter { $0.parents.contains(shard.id) }
            let isWhole =
                children.contains { $0.hashKeyRange.contains(shard.hashKeyRange.start) }
                && children.contains { $0.hashKeyRange.contains(shard.hashKeyRange.end) }
            #expect(isWhole, sourceLocation: sourceLocation)
            #expect(
                children.allSatisfy { end < $0.startingSequenceNumber },
                sourceLocation: sourceLocation
            )
        }
    }

    /// Records of one key come in the order of their numbers, with growing sequence numbers, none twice.
    func expectOrder(sourceLocation: SourceLocation = #_sourceLocation) {
        var newest: [String: Record] = [:]
        for record in records {
            if let before = newest[record.key] {
                #expect(before.number < record.number, sourceLocation: sourceLocation)
                #expect(before.sequenceNumber < record.sequenceNumber, sourceLocation: sourceLocation)
            }
            newest[record.key] = record
        }
    }
}
