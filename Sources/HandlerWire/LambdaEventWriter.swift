package import ByteCoding
package import StreamCore

/// Writes the JSON event with which Lambda hands a Kinesis batch to a function.
///
/// Everything that the records of a batch share is made once; a record is then a few copies, its digits and
/// its base64.
package struct LambdaEventWriter: Sendable {
    /// Largest event that is handed over.
    ///
    /// AWS stops at 6 MB, base64 included; this leaves room for what the engine lets into one batch (6 MB of
    /// data, or one record of 10 MiB), so that no batch is refused for being encoded.
    package static let maximumEventBytes = 16 << 20

    private static let beforeKey = Array(#"{"kinesis":{"kinesisSchemaVersion":"1.0","partitionKey":"#.utf8)
    private static let beforeNumber = Array(#","sequenceNumber":""#.utf8)
    private static let beforeData = Array(#"","data":""#.utf8)
    private static let beforeArrival = Array(#"","approximateArrivalTimestamp":"#.utf8)

    /// From the end of the arrival time to the sequence number in the event ID.
    private let beforeEventID: [UInt8]
    /// From there to the end of the record, and the comma to the next one.
    private let end: [UInt8]

    package init(streamARN: String, shard: ShardID, region: String, invokeIdentityARN: String) {
        var head = ByteWriter(capacity: 256)
        head.append(#"},"eventSource":"aws:kinesis","eventVersion":"1.0","eventID":""#)
        head.append(text: shard.text)
        head.append(":")
        beforeEventID = head.bytes

        var tail = ByteWriter(capacity: 512)
        tail.append(#"","eventName":"aws:kinesis:record","invokeIdentityArn":"#)
        tail.append(jsonString: invokeIdentityARN)
        tail.append(#","awsRegion":"#)
        tail.append(jsonString: region)
        tail.append(#","eventSourceARN":"#)
        tail.append(jsonString: streamARN)
        tail.append("},")
        end = tail.bytes
    }

    /// Appends the event for these records to `writer`.
    package func write(_ records: RecordSelection, to writer: inout ByteWriter) {
        writer.append(#"{"Records":["#)
        var cursor = Cursor(event: self)
        records.batch.withUnsafeContents { bytes, entries in
            switch records.indices {
            case .range(let range):
                for index in range { cursor.write(entries[index], of: bytes, to: &writer) }
            case .list(let list):
                for index in list { cursor.write(entries[Int(index)], of: bytes, to: &writer) }
            }
        }
        if !records.isEmpty { writer.truncate(to: writer.count - 1) }
        writer.append("]}")
    }

    /// What goes on from record to record: the digits of the last sequence number and of the last arrival.
    private struct Cursor {
        let event: LambdaEventWriter
        let constantBytes: Int
        var digits = SequenceDigits()
        var arrival = Timestamp(milliseconds: .min)
        var arrivalText: [UInt8] = []

        init(event: LambdaEventWriter) {
            self.event = event
            let parts = [beforeKey, beforeNumber, beforeData, beforeArrival, event.beforeEventID, event.end]
            // Both places of the sequence number, the arrival, the key's quotes.
            constantBytes = parts.reduce(2 * SequenceNumber.maximumDigits + 40) { $0 + $1.count }
        }

        mutating func write(
            _ entry: RecordEntry,
            of bytes: UnsafeRawBufferPointer,
            to writer: inout ByteWriter
        ) {
            let key = UnsafeRawBufferPointer(rebasing: bytes[entry.keyRange])
            let payload = UnsafeRawBufferPointer(rebasing: bytes[entry.payloadRange])
            if entry.arrival != arrival { remember(entry.arrival) }
            // One check of the capacity per record; an escaped key takes up to six bytes for one.
            _ = writer.reserve(constantBytes + 6 * key.count + (payload.count + 2) / 3 * 4)

            writer.append(beforeKey)
            writer.append(jsonString: key)
            writer.append(beforeNumber)
            let numberStart = writer.count
            writer.append(entry.sequenceNumber, with: &digits)
            let numberBytes = writer.count - numberStart
            writer.append(beforeData)
            writer.append(base64: payload)
            writer.append(beforeArrival)
            writer.append(arrivalText)
            writer.append(event.beforeEventID)
            // The same digits again, from where they were just written.
            let target = writer.reserve(numberBytes)
            target.copyMemory(from: target - (writer.count - numberStart), byteCount: numberBytes)
            writer.advance(numberBytes)
            writer.append(event.end)
        }

        /// Seconds with three decimals, as Lambda writes them.
        private mutating func remember(_ arrival: Timestamp) {
            self.arrival = arrival
            let (seconds, milliseconds) = arrival.milliseconds.quotientAndRemainder(dividingBy: 1000)
            arrivalText = Array("\(seconds).\(String(1000 + abs(milliseconds)).dropFirst())".utf8)
        }
    }
}
