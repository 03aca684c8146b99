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

    /// What every record of the batch shares, in the order of the event; the fields in between differ.
    private let shared: [UInt8]
    private let beforeKey: Range<Int>
    private let beforeNumber: Range<Int>
    private let beforeData: Range<Int>
    private let beforeArrival: Range<Int>
    /// From the end of the arrival time to the sequence number in the event ID.
    private let beforeEventID: Range<Int>
    /// From there to the end of the record, and the comma to the next one.
    private let end: Range<Int>
    private let streamARN: String
    private let shard: ShardID

    package init(streamARN: String, shard: ShardID, region: String, invokeIdentityARN: String) {
        var parts = ByteWriter(capacity: 1024)
        func part(_ write: (inout ByteWriter) -> Void) -> Range<Int> {
            let start = parts.count
            write(&parts)
            return start..<parts.count
        }
        beforeKey = part { $0.append(#"{"kinesis":{"kinesisSchemaVersion":"1.0","partitionKey":"#) }
        beforeNumber = part { $0.append(#","sequenceNumber":""#) }
        beforeData = part { $0.append(#"","data":""#) }
        beforeArrival = part { $0.append(#"","approximateArrivalTimestamp":"#) }
        beforeEventID = part { parts in
            parts.append(#"},"eventSource":"aws:kinesis","eventVersion":"1.0","eventID":""#)
            parts.append(text: shard.text)
            parts.append(":")
        }
        end = part { parts in
            parts.append(#"","eventName":"aws:kinesis:record","invokeIdentityArn":"#)
            parts.append(jsonString: invokeIdentityARN)
            parts.append(#","awsRegion":"#)
            parts.append(jsonString: region)
            parts.append(#","eventSourceARN":"#)
            parts.append(jsonString: streamARN)
            parts.append("},")
        }
        shared = parts.bytes
        self.streamARN = streamARN
        self.shard = shard
    }

    /// Appends the event for these records to `writer`.
    ///
    /// - Parameter window: The tumbling window they belong to; its last event may have no records.
    package func write(
        _ records: RecordSelection,
        window: WindowContext? = nil,
        to writer: inout ByteWriter
    ) {
        writer.append(#"{"Records":["#)
        shared.withUnsafeBytes { shared in
            records.batch.withUnsafeContents { bytes, entries in
                guard let shared = shared.baseAddress, let bytes = bytes.baseAddress else { return }
                var cursor = Cursor(event: self, shared: shared, bytes: bytes)
                switch records.indices {
                case .range(let range): for index in range { cursor.write(entries[index], to: &writer) }
                case .list(let list): for index in list { cursor.write(entries[Int(index)], to: &writer) }
                }
            }
        }
        if !records.isEmpty { writer.truncate(to: writer.count - 1) }
        writer.append("]")
        if let window { write(window, to: &writer) }
        writer.append("}")
    }

    private func write(_ window: WindowContext, to writer: inout ByteWriter) {
        writer.append(#","window":{"start":""#)
        writer.append(text: UTCTime.seconds(window.start.milliseconds))
        writer.append(#"","end":""#)
        writer.append(text: UTCTime.seconds(window.end.milliseconds))
        writer.append(#""},"state":"#)
        writer.append(window.state)
        writer.append(#","shardId":"#)
        writer.append(jsonString: shard.text)
        writer.append(#","eventSourceARN":"#)
        writer.append(jsonString: streamARN)
        writer.append(#","isFinalInvokeForWindow":"#)
        writer.append(window.isFinal ? "true" : "false")
        writer.append(#","isWindowTerminatedEarly":"#)
        writer.append(window.isTerminatedEarly ? "true" : "false")
    }

    /// What goes on from record to record: the digits of the last sequence number and of the last arrival.
    private struct Cursor {
        let event: LambdaEventWriter
        let shared: UnsafeRawPointer
        let bytes: UnsafeRawPointer
        var digits = SequenceDigits()
        var arrivalMilliseconds = Int64.min
        var arrivalText: [UInt8] = []

        init(event: LambdaEventWriter, shared: UnsafeRawPointer, bytes: UnsafeRawPointer) {
            self.event = event
            self.shared = shared
            self.bytes = bytes
        }

        mutating func write(_ entry: RecordEntry, to writer: inout ByteWriter) {
            let keyBytes = Int(entry.keyBytes)
            let payloadBytes = Int(entry.payloadBytes)
            let key = bytes + Int(entry.offset)
            if entry.arrival.milliseconds != arrivalMilliseconds { remember(entry.arrival.milliseconds) }
            // One check of the capacity per record; an escaped key takes up to six bytes for one, and two quotes.
            let start = writer.reserve(
                event.shared.count + 2 * SequenceNumber.maximumDigits + arrivalText.count + 6 * keyBytes
                    + 2 + (payloadBytes + 2) / 3 * 4
            )

            var output = JSONOutput(start)
            output.append(part(event.beforeKey))
            output.append(jsonString: UnsafeRawBufferPointer(start: key, count: keyBytes))
            output.append(part(event.beforeNumber))
            let number = output.position
            let numberBytes = digits.write(entry.sequenceNumber, to: number)
            output.advance(numberBytes)
            output.append(part(event.beforeData))
            output.append(base64: UnsafeRawBufferPointer(start: key + keyBytes, count: payloadBytes))
            output.append(part(event.beforeArrival))
            arrivalText.withUnsafeBytes { output.append($0) }
            output.append(part(event.beforeEventID))
            // The same digits again, from where they were just written.
            output.append(UnsafeRawBufferPointer(start: number, count: numberBytes))
            output.append(part(event.end))
            writer.advance(output.writtenBytes)
        }

        @inline(__always)
        private func part(_ range: Range<Int>) -> UnsafeRawBufferPointer {
            UnsafeRawBufferPointer(start: shared + range.lowerBound, count: range.count)
        }

        /// Seconds with three decimals, as Lambda writes them.
        private mutating func remember(_ arrival: Int64) {
            arrivalMilliseconds = arrival
            let (seconds, milliseconds) = arrival.quotientAndRemainder(dividingBy: 1000)
            arrivalText = Array("\(seconds).\(String(1000 + abs(milliseconds)).dropFirst())".utf8)
        }
    }
}
