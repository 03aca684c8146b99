import EmbeddedLog
import StreamCore

/// The streams of the log that this host keeps.
struct EmbeddedStreams: StreamDirectory {
    let log: EmbeddedLog

    func existingStream(of mapping: EventSourceMapping) async throws -> FoundStream {
        let stream = try await log.existingStream(mapping.source.stream)
        let shardsChanged = WakeSignal()
        return FoundStream(
            source: stream,
            incarnation: String(stream.incarnation),
            shardsChanged: shardsChanged
        ) {
            // Children are looked for at once, not when the shards are listed next.
            try await stream.wakingOnShardChange(shardsChanged) { try await stream.deletion.wait() }
            return .deleted
        }
    }
}
