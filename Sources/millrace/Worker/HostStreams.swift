import AWSClient
import SQLiteStore
import StreamCore

/// The streams of a host on this machine, read from its endpoint.
///
/// The host ties each mapping's leases to the stream that it has now; a worker waits for that and follows.
struct HostStreams: StreamDirectory {
    let follower: HostFollower
    let registry: FunctionRegistry
    let clock: any Clock<Duration>
    /// Makes the source of one stream at an endpoint.
    let makeSource:
        @Sendable (_ endpoint: String, _ mapping: EventSourceMapping) async throws -> any LogSource

    /// How often to look whether a stream is there, and whether it is the same.
    private static let pause = Duration.seconds(1)

    func existingStream(of mapping: EventSourceMapping) async throws -> FoundStream {
        while true {
            let host = try await follower.listening()
            if let address = host.address, let incarnation = try await registry.incarnation(of: mapping.id) {
                let source = try await makeSource(address, mapping)
                if try await exists(source) {
                    return FoundStream(source: source, incarnation: nil) {
                        try await end(of: mapping, incarnation, at: host)
                    }
                }
            }
            try await clock.sleep(for: Self.pause)
        }
    }

    private func exists(_ source: any LogSource) async throws -> Bool {
        do {
            _ = try await source.shards()
            return true
        } catch is StreamNotFound {
            return false
        }
    }

    private func end(
        of mapping: EventSourceMapping,
        _ incarnation: String,
        at host: DataDirectoryLock.Holder
    ) async throws -> FoundStream.End {
        while true {
            try await clock.sleep(for: Self.pause)
            // A host that was started anew may listen elsewhere; while there is none, the shards are kept and wait.
            if let current = follower.current, current != host { return .moved }
            // The registry may be locked for a moment.
            if let current = try? await registry.incarnation(of: mapping.id), current != incarnation {
                return .deleted
            }
        }
    }
}
