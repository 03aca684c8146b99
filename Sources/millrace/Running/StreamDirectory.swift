import StreamCore

/// Finds the streams that mappings name: in the log of this process, in that of a host beside it, or in Kinesis.
protocol StreamDirectory: Sendable {
    /// Returns the stream of a mapping once it exists and may be read.
    ///
    /// - Throws: `CancellationError`; an error that names the place when that cannot be asked.
    func existingStream(of mapping: EventSourceMapping) async throws -> FoundStream
}

/// A stream that was found, for as long as it is the one that was found.
struct FoundStream: Sendable {
    let source: any LogSource
    /// Tells apart streams that had the same name; `nil` when another process ties the leases to it.
    let incarnation: String?
    /// As its service names it; `nil` where this worker's own names hold.
    let arn: String?
    /// Woken when its shards may have changed.
    let shardsChanged: WakeSignal
    /// Returns why it is to be looked up again: it was deleted, or is to be reached in another way.
    ///
    /// Throws nothing but `CancellationError`.
    let ended: @Sendable () async throws -> End

    enum End: Sendable {
        case deleted
        case moved
    }

    init(
        source: any LogSource,
        incarnation: String?,
        arn: String? = nil,
        shardsChanged: WakeSignal = WakeSignal(),
        ended: @escaping @Sendable () async throws -> End
    ) {
        self.source = source
        self.incarnation = incarnation
        self.arn = arn
        self.shardsChanged = shardsChanged
        self.ended = ended
    }
}
