import ByteCoding
package import StreamCore

/// The answer of PutRecords, as JSON or as CBOR.
package struct PutRecordsAnswer {
    package enum Outcome {
        case stored(shard: Int, SequenceNumber)
        /// The producer may send this record again; the others are stored.
        case failed(message: String)
    }

    /// What the service calls a record that it could not store.
    static let failureCode: StaticString = "InternalFailure"
    static let maximumMessageBytes = 512
    private static let frameBytes = 64
    /// Names, quotes, a shard's name and the longest sequence number.
    private static let recordFrameBytes = 160
    /// Slots for the last digits written; see `write`.
    static let digitSlots = 16

    package let recordCount: Int
    package let failedCount: Int

    package init(recordCount: Int, failedCount: Int) {
        self.recordCount = recordCount
        self.failedCount = failedCount
    }

    /// Room that `write` needs; more than the answer's size.
    package var capacity: Int {
        Self.frameBytes + recordCount * Self.recordFrameBytes + failedCount * 6 * Self.maximumMessageBytes
    }

    /// Writes the answer as JSON to `target`, which has room for `capacity` bytes.
    ///
    /// - Returns: How many bytes were written.
    package func write(to target: UnsafeMutableRawPointer, outcome: (_ record: Int) -> Outcome) -> Int {
        // The numbers of one shard differ in their last digits, and its records lie between those of others.
        var digits = [SequenceDigits](repeating: SequenceDigits(), count: Self.digitSlots)
        var output = JSONOutput(target)
        output.append("{\"FailedRecordCount\":")
        output.append(text: String(failedCount))
        output.append(",\"Records\":[")
        for record in 0..<recordCount {
            if record > 0 { output.append(UInt8(ascii: ",")) }
            switch outcome(record) {
            case .stored(let shard, let number):
                output.append("{\"SequenceNumber\":\"")
                output.advance(digits[shard % Self.digitSlots].write(number, to: output.position))
                output.append("\",\"ShardId\":\"")
                output.append(shard: shard)
                output.append("\"}")
            case .failed(let message):
                output.append("{\"ErrorCode\":\"")
                output.append(Self.failureCode)
                output.append("\",\"ErrorMessage\":")
                output.append(jsonString: message, maximumBytes: Self.maximumMessageBytes)
                output.append("}")
            }
        }
        output.append("]}")
        return output.writtenBytes
    }
}

extension JSONOutput {
    /// The name of the shard with this number, as `ShardID(number:)` has it.
    fileprivate mutating func append(shard number: Int) {
        append("shardId-")
        var rest = number
        for index in stride(from: 11, through: 0, by: -1) {
            position.storeBytes(of: UInt8(ascii: "0") + UInt8(rest % 10), toByteOffset: index, as: UInt8.self)
            rest /= 10
        }
        advance(12)
    }

    fileprivate mutating func append(jsonString text: String, maximumBytes: Int) {
        var kept = text.prefix(utf8Bytes: maximumBytes)
        kept.withUTF8 { append(jsonString: UnsafeRawBufferPointer($0)) }
    }
}

extension String {
    /// At most so many bytes from the front, and no half of a character.
    func prefix(utf8Bytes maximumBytes: Int) -> String {
        var end = utf8.index(utf8.startIndex, offsetBy: maximumBytes, limitedBy: utf8.endIndex)
        while let index = end, index.samePosition(in: unicodeScalars) == nil {
            end = utf8.index(before: index)
        }
        return String(self[..<(end ?? endIndex)])
    }
}
