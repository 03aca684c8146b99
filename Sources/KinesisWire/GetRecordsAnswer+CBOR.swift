import StreamCore

extension GetRecordsAnswer {
    /// Writes the answer as CBOR to `target`, which has room for `capacity` bytes.
    ///
    /// - Returns: How many bytes were written.
    package func writeCBOR(to target: UnsafeMutableRawPointer) -> Int {
        var output = CBOROutput(target)
        let optional = [nextShardIterator != nil, continuation != nil, !childShards.isEmpty]
        output.append(.map, UInt64(2 + optional.count { $0 }))
        if !childShards.isEmpty { writeChildShards(to: &output) }
        if let continuation {
            output.append("ContinuationSequenceNumber")
            output.append(text: continuation.description)
        }
        output.append("MillisBehindLatest")
        output.append(millisBehindLatest)
        if let nextShardIterator {
            output.append("NextShardIterator")
            output.append(text: nextShardIterator)
        }
        output.append("Records")
        writeRecords(to: &output)
        return output.writtenBytes
    }

    private func writeRecords(to output: inout CBOROutput) {
        var digits = SequenceDigits()
        output.append(.array, UInt64(batch.count))
        batch.withUnsafeContents { bytes, entries in
            for entry in entries {
                output.append(.map, 4)
                output.append("ApproximateArrivalTimestamp")
                output.append(entry.arrival)
                output.append("Data")
                output.append(.bytes, UnsafeRawBufferPointer(rebasing: bytes[entry.payloadRange]))
                output.append("PartitionKey")
                output.append(.text, UnsafeRawBufferPointer(rebasing: bytes[entry.keyRange]))
                output.append("SequenceNumber")
                output.append(entry.sequenceNumber, with: &digits)
            }
        }
    }

    private func writeChildShards(to output: inout CBOROutput) {
        output.append("ChildShards")
        output.append(.array, UInt64(childShards.count))
        for shard in childShards {
            output.append(.map, 3)
            output.append("HashKeyRange")
            output.append(.map, 2)
            output.append("EndingHashKey")
            output.append(text: String(shard.hashKeyRange.end))
            output.append("StartingHashKey")
            output.append(text: String(shard.hashKeyRange.start))
            output.append("ParentShards")
            output.append(.array, UInt64(shard.parents.count))
            for parent in shard.parents { output.append(text: parent.text) }
            output.append("ShardId")
            output.append(text: shard.id.text)
        }
    }
}
