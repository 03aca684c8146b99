import StreamCore

extension PutRecordsAnswer {
    /// Writes the answer as CBOR to `target`, which has room for `capacity` bytes.
    ///
    /// - Returns: How many bytes were written.
    package func writeCBOR(to target: UnsafeMutableRawPointer, outcome: (_ record: Int) -> Outcome) -> Int {
        var digits = [SequenceDigits](repeating: SequenceDigits(), count: Self.digitSlots)
        var output = CBOROutput(target)
        output.append(.map, 2)
        output.append("FailedRecordCount")
        output.append(Int64(failedCount))
        output.append("Records")
        output.append(.array, UInt64(recordCount))
        for record in 0..<recordCount {
            output.append(.map, 2)
            switch outcome(record) {
            case .stored(let shard, let number):
                output.append("SequenceNumber")
                output.append(number, with: &digits[shard % Self.digitSlots])
                output.append("ShardId")
                output.append(text: ShardID(number: shard).text)
            case .failed(let message):
                output.append("ErrorCode")
                output.append(Self.failureCode)
                output.append("ErrorMessage")
                output.append(text: message.prefix(utf8Bytes: Self.maximumMessageBytes))
            }
        }
        return output.writtenBytes
    }
}
