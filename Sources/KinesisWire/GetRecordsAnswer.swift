package import StreamCore

import ByteCoding

/// The answer of GetRecords, or an event of SubscribeToShard, written in one go: as JSON about 100 ns for a record of 100
/// bytes.
package struct GetRecordsAnswer {
    static let frameBytes = 256
    /// Names, quotes, the arrival time and the longest sequence number.
    static let recordFrameBytes = 192

    package let batch: RecordBatch
    /// `nil` at the end of a closed shard.
    package let nextShardIterator: String?
    package let millisBehindLatest: Int64
    /// The shards that go on where a closed one ends; empty elsewhere.
    package let childShards: [Shard]
    /// Only in events, where it stands for the iterator: everything up to it has been sent; `nil` at the end too.
    package let continuation: SequenceNumber?

    package init(
        batch: RecordBatch,
        nextShardIterator: String? = nil,
        millisBehindLatest: Int64,
        childShards: [Shard] = [],
        continuation: SequenceNumber? = nil
    ) {
        self.batch = batch
        self.nextShardIterator = nextShardIterator
        self.millisBehindLatest = millisBehindLatest
        self.childShards = childShards
        self.continuation = continuation
    }

    /// Room that `write` needs; more than the answer's size.
    package var capacity: Int {
        var total = Self.frameBytes + (nextShardIterator?.utf8.count ?? 0)
        for shard in childShards {
            total += Self.frameBytes + shard.id.text.utf8.count + shard.parentsCapacity
        }
        batch.withUnsafeContents { _, entries in
            for entry in entries {
                total += Self.recordFrameBytes + 6 * Int(entry.keyBytes)
                total += Base64.encodedBytes(of: Int(entry.payloadBytes))
            }
        }
        return total
    }

    /// Writes the answer as JSON to `target`, which has room for `capacity` bytes.
    ///
    /// - Returns: How many bytes were written.
    package func write(to target: UnsafeMutableRawPointer) -> Int {
        var output = JSONOutput(target)
        output.append("{")
        writeChildShards(to: &output)
        if let continuation {
            output.append("\"ContinuationSequenceNumber\":\"")
            output.append(text: continuation.description)
            output.append("\",")
        }
        output.append("\"MillisBehindLatest\":")
        output.append(text: String(millisBehindLatest))
        if let nextShardIterator {
            output.append(",\"NextShardIterator\":\"")
            output.append(text: nextShardIterator)
            output.append("\"")
        }
        output.append(",\"Records\":[")
        writeRecords(to: &output)
        output.append("]}")
        return output.writtenBytes
    }

    private func writeRecords(to output: inout JSONOutput) {
        var digits = SequenceDigits()
        var writtenArrival: Timestamp?
        // Records that arrived in the same millisecond share the text of their time.
        var arrivalText = UnsafeRawBufferPointer(start: nil, count: 0)
        batch.withUnsafeContents { bytes, entries in
            for index in entries.indices {
                let entry = entries[index]
                if index > 0 { output.append(UInt8(ascii: ",")) }
                output.append("{\"ApproximateArrivalTimestamp\":")
                if entry.arrival == writtenArrival {
                    output.append(arrivalText)
                } else {
                    let start = output.position
                    output.append(seconds: entry.arrival.milliseconds)
                    arrivalText = UnsafeRawBufferPointer(start: start, count: output.position - start)
                    writtenArrival = entry.arrival
                }
                output.append(",\"Data\":\"")
                output.append(base64: UnsafeRawBufferPointer(rebasing: bytes[entry.payloadRange]))
                output.append("\",\"PartitionKey\":")
                output.append(jsonString: UnsafeRawBufferPointer(rebasing: bytes[entry.keyRange]))
                output.append(",\"SequenceNumber\":\"")
                output.advance(digits.write(entry.sequenceNumber, to: output.position))
                output.append("\"}")
            }
        }
    }

    private func writeChildShards(to output: inout JSONOutput) {
        guard !childShards.isEmpty else { return }
        output.append("\"ChildShards\":[")
        for (index, shard) in childShards.enumerated() {
            if index > 0 { output.append(",") }
            output.append("{\"HashKeyRange\":{\"EndingHashKey\":\"")
            output.append(text: String(shard.hashKeyRange.end))
            output.append("\",\"StartingHashKey\":\"")
            output.append(text: String(shard.hashKeyRange.start))
            output.append("\"},\"ParentShards\":[")
            for (parentIndex, parent) in shard.parents.enumerated() {
                output.append(parentIndex == 0 ? "\"" : ",\"")
                output.append(text: parent.text)
                output.append("\"")
            }
            output.append("],\"ShardId\":\"")
            output.append(text: shard.id.text)
            output.append("\"}")
        }
        output.append("],")
    }
}

extension Shard {
    fileprivate var parentsCapacity: Int { parents.reduce(0) { $0 + $1.text.utf8.count + 4 } }
}
