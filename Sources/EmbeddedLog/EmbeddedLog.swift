import Foundation
package import Logging
package import StreamCore
import Synchronization

/// The log that a host keeps on its own disk: streams of shards of segment files.
///
/// | path | what it is |
/// | --- | --- |
/// | `lock` | held by the process that has the log open |
/// | `numbers-at-risk` | there while sequence numbers may have been seen whose records a power cut can take back |
/// | `NAME.INCARNATION.stream/stream.json` | a stream: its shards, tags and retention |
/// | `NAME.INCARNATION.stream/SHARD/COUNTER.log` | a segment of a shard; `.index` beside it is its summary |
/// | `NAME.INCARNATION.stream.superseded` | a stream set aside, as there is a newer one of the same name; for a person to remove |
package final class EmbeddedLog: Sendable {
    package let directory: String
    let environment: LogEnvironment
    private let lock: Int32
    private let state: Mutex<State>

    private struct State {
        var streams: [StreamName: EmbeddedStream] = [:]
        var waiters = Waiters<StreamName>()
        /// Streams that are being created or deleted.
        var busy: Set<StreamName> = []
        /// When the newest shard of a deleted stream, or of one that could not be made, was created: one of the same name begins with larger numbers.
        var deleted: [StreamName: UInt32] = [:]
        var isClosed = false
    }

    /// Opens the log, recovering what a crash left behind, or begins an empty one.
    ///
    /// - Throws: `LogInUse` while it is open elsewhere, `LogFileFailure`, `StreamFileMalformed`.
    package static func open(
        directory: String,
        options: LogOptions = LogOptions(),
        logger: Logger
    ) throws -> EmbeddedLog {
        precondition((4 << 10...1 << 30).contains(options.segmentBytes), "a segment has 4 KiB to 1 GiB")
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let lock = try SystemFiles.openLocked("\(directory)/lock", directory: directory)
        let environment = LogEnvironment(
            options: options,
            cache: SegmentFileCache(limit: options.openFileLimit),
            committers: CommitQueue(
                threadCount: options.committerCount,
                syncsPeriodically: options.durability == .relaxed
            ),
            logger: logger
        )
        do {
            let opening = LogOpening(directory: directory, environment: environment)
            let streams = try opening.run()
            return EmbeddedLog(directory: directory, environment: environment, lock: lock, streams: streams)
        } catch {
            environment.committers.stop()
            SystemFiles.closeLocked(lock)
            throw error
        }
    }

    private init(directory: String, environment: LogEnvironment, lock: Int32, streams: [EmbeddedStream]) {
        self.directory = directory
        self.environment = environment
        self.lock = lock
        var state = State()
        for stream in streams { state.streams[stream.name] = stream }
        self.state = Mutex(state)
    }

    deinit {
        if !state.withLock(\.isClosed) { close() }
    }

    // MARK: - Streams

    /// In alphabetical order.
    package var streamNames: [StreamName] { state.withLock { $0.streams.keys.sorted() } }

    /// - Throws: `StreamNotFound`, or `LogClosed`.
    package func stream(_ name: StreamName) throws -> EmbeddedStream {
        try state.withLock { state in
            if state.isClosed { throw LogClosed(directory: directory) }
            guard let stream = state.streams[name] else { throw StreamNotFound(stream: name) }
            return stream
        }
    }

    /// Waits until a stream of this name exists.
    ///
    /// - Throws: `CancellationError`, or `LogClosed`.
    package func existingStream(_ name: StreamName) async throws -> EmbeddedStream {
        while true {
            do {
                return try stream(name)
            } catch is StreamNotFound {
                await streamAppears(name)
                try Task.checkCancellation()
            }
        }
    }

    /// Makes a stream whose shards have hash key ranges of equal size.
    ///
    /// - Parameter shardCount: 1–10,000.
    /// - Throws: `StreamExists`, `LogFileFailure`, `LogClosed`.
    @discardableResult
    package func createStream(
        _ name: StreamName,
        shardCount: Int,
        retention: Retention = .standard,
        mode: StreamMode = .provisioned,
        tags: [String: String] = [:]
    ) throws -> EmbeddedStream {
        precondition((1...10_000).contains(shardCount), "a stream has 1 to 10,000 shards")
        try claim(name) { if $0 != nil { throw StreamExists(stream: name) } }
        defer { release(name) }
        let created = environment.options.wallClock()
        let earlier = state.withLock { $0.deleted[name] } ?? 0
        let seconds = max(UInt32(clamping: created.milliseconds / 1000), earlier + 1)
        let description = StreamDescription(
            name: name,
            incarnation: StreamDescription.Incarnation(value: UInt64.random(in: 1...UInt64.max)),
            created: created,
            retentionHours: retention.hours,
            tags: tags,
            mode: mode == .provisioned ? nil : mode,
            shards: HashKeyRange.even(count: shardCount).enumerated().map { number, range in
                ShardDescription(number: number, createdSeconds: seconds, range: range)
            },
            nextShardNumber: shardCount
        )
        let stream: EmbeddedStream
        do {
            stream = try makeStream(description)
        } catch {
            // Should a power cut bring the failed one back, the next of this name is the newer one.
            state.withLock { $0.deleted[name] = seconds }
            throw error
        }
        let waiters = state.withLock { state in
            state.streams[name] = stream
            return state.waiters.take { $0 == name }
        }
        for waiter in waiters { waiter.resume() }
        return stream
    }

    /// Removes a stream and its records.
    ///
    /// Readers that wait and appends under way get `StreamNotFound`.
    ///
    /// - Throws: `StreamNotFound`, `LogFileFailure`, `LogClosed`.
    package func deleteStream(_ name: StreamName) throws {
        let stream = try claim(name) { stream in
            guard let stream else { throw StreamNotFound(stream: name) }
            return stream
        }
        defer { release(name) }
        // Once it has the other name it is gone, also for an opening after a crash.
        let deleted = stream.directory + LogOpening.deletedSuffix
        try SystemFiles.rename(stream.directory, to: deleted)
        let newest = stream.description.withLock { $0.shards.map(\.createdSeconds).max() ?? 0 }
        state.withLock { state in
            state.streams[name] = nil
            state.deleted[name] = newest
        }
        stream.refuse(StreamNotFound(stream: name))
        stream.deletion.request()
        try SystemFiles.syncDirectory(directory)
        try removeDirectory(deleted)
    }

    private func makeStream(_ description: StreamDescription) throws -> EmbeddedStream {
        let path =
            "\(directory)/\(description.name).\(description.incarnation.text)\(LogOpening.streamSuffix)"
        let unfinished = path + LogOpening.unfinishedSuffix
        try SystemFiles.makeDirectory(unfinished)
        do {
            try description.save(in: unfinished, files: environment.options.files)
            try SystemFiles.rename(unfinished, to: path)
            try environment.options.files.syncDirectory(directory)
        } catch {
            // The rename may have happened: what was reported as failed must not be there at the next opening.
            try? removeDirectory(unfinished)
            try? removeDirectory(path)
            throw error
        }
        let shards = description.shards.map { shard in
            ShardLog(
                stream: description.name,
                numbers: shard.numbers,
                directory: "\(path)/\(ShardID(number: shard.number))",
                environment: environment,
                state: ShardLog.State()
            )
        }
        return EmbeddedStream(
            description: description,
            directory: path,
            shards: shards,
            environment: environment
        )
    }

    /// Keeps others from creating or deleting a stream of this name until `release`.
    @discardableResult
    private func claim<Value: Sendable>(
        _ name: StreamName,
        _ check: (EmbeddedStream?) throws -> Value
    ) throws -> Value {
        try state.withLock { state in
            if state.isClosed { throw LogClosed(directory: directory) }
            if state.busy.contains(name) { throw StreamExists(stream: name) }
            let value = try check(state.streams[name])
            state.busy.insert(name)
            return value
        }
    }

    private func release(_ name: StreamName) {
        state.withLock { _ = $0.busy.remove(name) }
    }

    private func streamAppears(_ name: StreamName) async {
        let id = state.withLock { $0.waiters.makeID() }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let mustWait = state.withLock { state in
                    guard !state.isClosed, state.streams[name] == nil else { return false }
                    return state.waiters.add(continuation, id: id, wanted: name)
                }
                if !mustWait { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.cancel(id) }?.resume()
        }
        state.withLock { $0.waiters.forget(id) }
    }

    // MARK: - Running and closing

    /// Removes expired segments at intervals until the task is cancelled.
    package func run() async {
        while !Task.isCancelled {
            await enforceRetention(now: environment.options.wallClock())
            try? await environment.options.clock.sleep(for: environment.options.retentionInterval)
        }
    }

    /// Removes everything that is wholly older than its stream's retention period.
    package func enforceRetention(now: Timestamp) async {
        let streams = state.withLock { Array($0.streams.values) }
        for stream in streams {
            do {
                try await stream.enforceRetention(now: now)
            } catch is StreamNotFound {
                continue
            } catch is LogClosed {
                return
            } catch {
                environment.logger.error(
                    "expired segments not removed",
                    metadata: ["stream": "\(stream.name)", "error": "\(error)"]
                )
            }
        }
    }

    /// Stores what was accepted, syncs everything, and lets go of the files.
    ///
    /// Blocks meanwhile; later calls do nothing.
    ///
    /// Whoever waits, and every later call, gets `LogClosed`.
    package func close() {
        let closing = state.withLock {
            state -> (streams: [EmbeddedStream], waiters: [CheckedContinuation<Void, Never>])? in
            guard !state.isClosed else { return nil }
            state.isClosed = true
            return (Array(state.streams.values), state.waiters.takeAll())
        }
        guard let closing else { return }
        for stream in closing.streams { stream.refuse(LogClosed(directory: directory)) }
        for waiter in closing.waiters { waiter.resume() }
        environment.committers.stop()
        finish(closing.streams)
        SystemFiles.closeLocked(lock)
    }

    private func finish(_ streams: [EmbeddedStream]) {
        var isSafe = true
        for shard in streams.flatMap(\.allShards) {
            do {
                if try !shard.finish() { isSafe = false }
            } catch {
                isSafe = false
                environment.logger.error(
                    "shard not closed cleanly",
                    metadata: ["stream": "\(shard.stream)", "shard": "\(shard.id)", "error": "\(error)"]
                )
            }
        }
        // As long as the marker stays, each opening skips numbers; so leaving it there does no harm.
        if isSafe { try? NumbersAtRisk(directory: directory).clear() }
    }
}
