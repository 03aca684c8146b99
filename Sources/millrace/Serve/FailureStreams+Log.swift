import EmbeddedLog
import FailureDestinations
import KinesisWire
import StreamCore

extension FailureStreams {
    /// The streams of this host as destinations of failures.
    init(of log: EmbeddedLog) {
        self.init(maximumRecordBytes: KinesisLimits.payloadBytes) { stream, partitionKey, payload in
            var records = NewRecords()
            records.append(partitionKey: partitionKey, hashKey: HashKey.of(partitionKey), payload: payload)
            let result = try await log.stream(stream).append(records)
            if let failure = result.failure(at: 0) { throw failure }
        }
    }
}
