package import StreamCore

/// A stream of this host: one record for each failure, with the shard's name as its partition key.
///
/// The record is what a bucket gets, with the function's event. Where that passes what a record may carry, it is
/// what a queue gets; the event is then found in the stored failure only.
struct StreamDestination: FailureDestination {
    let target: FailureTarget
    let stream: StreamName
    let streams: FailureStreams

    func deliver(_ failure: BatchFailure) async throws {
        guard ResourceNames.streamName(in: failure.streamARN) != stream else {
            throw DestinationRefusal(
                target: target,
                reason: "a stream that takes its own failures would never end; "
                    + "name another with `aws lambda update-event-source-mapping`"
            )
        }
        let whole = FailureRecord.withPayload(of: failure)
        let fits = whole.count <= streams.maximumRecordBytes
        try await streams.put(stream, failure.shard.text, fits ? whole : FailureRecord.metadata(of: failure))
    }
}

/// How records get into the streams of this host.
package struct FailureStreams: Sendable {
    let maximumRecordBytes: Int
    let put: @Sendable (_ stream: StreamName, _ partitionKey: String, _ payload: [UInt8]) async throws -> Void

    /// - Parameter put: Returns when the record is stored for good.
    package init(
        maximumRecordBytes: Int,
        put:
            @escaping @Sendable (_ stream: StreamName, _ partitionKey: String, _ payload: [UInt8])
            async throws
            -> Void
    ) {
        self.maximumRecordBytes = maximumRecordBytes
        self.put = put
    }
}
