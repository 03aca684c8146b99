import Logging
import StreamCore

/// The streams of a Kinesis API.
struct KinesisStreams: StreamDirectory {
    let connection: KinesisConnection
    /// The name of a consumer that records are pushed to; `nil` to poll.
    let fanOut: String?

    /// Between two looks for a stream that is not there.
    private static let missingPause = Duration.seconds(5)
    /// Between two looks whether it is still the same: AWS allows 20 a second for all clients of an account.
    private static let samePause = Duration.seconds(60)

    func existingStream(of mapping: EventSourceMapping) async throws -> FoundStream {
        while true {
            if let stream = try await connection.describe(mapping.source.stream) {
                return FoundStream(
                    source: connection.source(of: mapping, fanOut: fanOut),
                    incarnation: stream.creation,
                    arn: stream.arn
                ) {
                    try await end(of: mapping, stream)
                }
            }
            try await connection.clock.sleep(for: Self.missingPause)
        }
    }

    private func end(of mapping: EventSourceMapping, _ stream: DescribedStream) async throws
        -> FoundStream.End
    {
        while true {
            try await connection.clock.sleep(for: Self.samePause)
            do {
                if try await connection.describe(mapping.source.stream) != stream { return .deleted }
            } catch let error where !(error is CancellationError) {
                // Readers meet the same and say so.
                connection.logger.debug("stream not described", metadata: ["error": "\(error)"])
            }
        }
    }
}
