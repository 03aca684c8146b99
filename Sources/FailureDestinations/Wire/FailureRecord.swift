import ByteCoding
package import StreamCore

/// A failure in the JSON in which Lambda sends it to a destination.
package enum FailureRecord {
    /// What queues and topics get: everything but the records.
    package static func metadata(of failure: BatchFailure) -> [UInt8] {
        write(failure, with: nil)
    }

    /// What buckets get, and streams and files of the host: with the function's event, as text in `payload`.
    package static func withPayload(of failure: BatchFailure) -> [UInt8] {
        write(failure, with: failure.event)
    }

    private static func write(_ failure: BatchFailure, with event: [UInt8]?) -> [UInt8] {
        // An event is base64 for the most part; every quote in it takes one byte more.
        var json = ByteWriter(capacity: 2_048 + (event?.count ?? 0) / 8 * 9)
        json.append(#"{"requestContext":{"requestId":"#)
        json.append(jsonString: failure.requestID)
        json.append(#","functionArn":"#)
        json.append(jsonString: failure.functionARN)
        json.append(#","condition":"#)
        json.append(jsonString: failure.condition.rawValue)
        json.append(#","approximateInvokeCount":"#)
        json.append(decimal: failure.invokeCount)
        json.append("}")
        if let response = failure.response { json.append(response) }
        json.append(#","version":"1.0","timestamp":"#)
        json.append(jsonString: UTCDate(failure.time).iso)
        json.append(failure.records, of: failure)
        if let event {
            json.append(#","payload":"#)
            // Repairs what is no UTF-8, which would make the whole record unreadable.
            json.append(jsonString: String(decoding: event, as: UTF8.self))
        }
        json.append("}")
        return json.bytes
    }
}

extension ByteWriter {
    fileprivate mutating func append(_ response: BatchFailure.Response) {
        append(#","responseContext":{"statusCode":"#)
        append(decimal: response.statusCode)
        append(#","executedVersion":"#)
        append(jsonString: response.executedVersion)
        append(#","functionError":"#)
        if let error = response.functionError { append(jsonString: error) } else { append("null") }
        append("}")
    }

    fileprivate mutating func append(_ records: BatchFailure.Records, of failure: BatchFailure) {
        append(#","KinesisBatchInfo":{"shardId":"#)
        append(jsonString: failure.shard.text)
        append(#","startSequenceNumber":"#)
        append(jsonString: records.first.description)
        append(#","endSequenceNumber":"#)
        append(jsonString: records.last.description)
        append(#","approximateArrivalOfFirstRecord":"#)
        append(jsonString: UTCDate(records.firstArrival).iso)
        append(#","approximateArrivalOfLastRecord":"#)
        append(jsonString: UTCDate(records.lastArrival).iso)
        append(#","batchSize":"#)
        append(decimal: records.count)
        append(#","streamArn":"#)
        append(jsonString: failure.streamARN)
        append("}")
    }
}
