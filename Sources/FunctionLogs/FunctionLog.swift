package import StreamCore

import Logging
import Synchronization

/// The log of one function: what all its processes printed, in the order in which the host read it.
///
/// Hosts that share a data directory write to the same log, each in chunks.
///
/// Lines gather in memory and are written in chunks, at the latest when somebody reads or `flushDue` has come, so
/// that a line costs no system call. The file starts anew at a size limit and the oldest goes, so that a log keeps
/// within its limit.
package final class FunctionLog: Sendable {
    /// Most that waits in memory.
    private static let bufferBytes = 64 << 10
    /// The longest that a line waits in memory.
    private static let flushDelay = Duration.milliseconds(100)

    private struct State {
        /// `nil` until somebody needs them.
        var files: LogFiles?
        var buffer: [UInt8] = []
        var bufferedSince: ContinuousClock.Instant?
        /// The streams that are written to, by their numbers.
        var open: [Int: String] = [:]
        /// Of those that could not be numbered in the folder.
        var nextStream = 1
        /// Of the newest event, and of the oldest that waits in memory.
        var last = Timestamp(milliseconds: 0)
        var firstBuffered = Timestamp(milliseconds: 0)
        var hasFailed = false
    }

    package let function: FunctionName
    private let directory: String
    private let limits: FunctionLogs.Limits
    private let logger: Logger
    private let now: @Sendable () -> Timestamp
    private let state = Mutex(State())

    init(
        _ function: FunctionName,
        directory: String,
        limits: FunctionLogs.Limits,
        logger: Logger,
        now: @escaping @Sendable () -> Timestamp
    ) {
        self.function = function
        self.directory = directory
        self.limits = limits
        self.logger = logger
        self.now = now
    }

    // MARK: - Writing

    /// One process that writes to the log.
    package struct Stream: Hashable, Sendable {
        package let name: String
        let number: Int
    }

    package func open(_ name: String) -> Stream {
        state.withLock { state in
            var files = files(&state)
            let number = try? files.nextStream()
            state.files = files
            let stream = Stream(name: name, number: number ?? state.nextStream)
            state.nextStream = stream.number + 1
            state.open[stream.number] = name
            return stream
        }
    }

    /// Nothing more comes from this one.
    package func close(_ stream: Stream) {
        state.withLock { state in
            flush(&state)
            state.open[stream.number] = nil
        }
    }

    /// Appends whole lines, each with its newline.
    ///
    /// A log that cannot be written is reported once, and the function goes on without it.
    package func append(_ lines: [UInt8], to stream: Stream) {
        guard !lines.isEmpty else { return }
        state.withLock { state in
            // Never back, so that the log is in order of time: a reader asks for what came after a moment.
            state.last = max(state.last, now())
            let number = String(stream.number)
            let time = String(state.last.milliseconds)
            lines.withUnsafeBytes { lines in
                var rest = lines[...]
                while !rest.isEmpty {
                    let end = LogSegment.lineEnd(in: rest) ?? rest.endIndex
                    if state.buffer.isEmpty {
                        state.bufferedSince = .now
                        state.firstBuffered = state.last
                    }
                    state.buffer += number.utf8
                    state.buffer.append(LogSegment.space)
                    state.buffer += time.utf8
                    state.buffer.append(LogSegment.space)
                    state.buffer += UnsafeRawBufferPointer(rebasing: rest[..<end])
                    state.buffer.append(LogSegment.newline)
                    rest = rest[min(end + 1, rest.endIndex)...]
                    if state.buffer.count >= Self.bufferBytes { flush(&state) }
                }
            }
        }
    }

    /// When what waits in memory is to be written; `nil` when nothing waits.
    package var flushDue: ContinuousClock.Instant? {
        state.withLock { $0.bufferedSince.map { $0 + Self.flushDelay } }
    }

    package func flush() {
        state.withLock { flush(&$0) }
    }

    private func flush(_ state: inout State) {
        guard !state.buffer.isEmpty else { return }
        do {
            var files = files(&state)
            // Also after a failure: it knows what is in the file.
            defer { state.files = files }
            try files.append(state.buffer, first: state.firstBuffered, streams: state.open, now: now())
            state.hasFailed = false
        } catch {
            noteFailure("function log not written", error, &state)
        }
        state.buffer.removeAll(keepingCapacity: state.buffer.capacity <= 4 * Self.bufferBytes)
        state.bufferedSince = nil
    }

    /// Removes what has grown too old.
    func prune() {
        state.withLock { state in
            var files = files(&state)
            files.removeOldest(now: now())
            state.files = files
        }
    }

    /// The files, with those of earlier runs.
    private func files(_ state: inout State) -> LogFiles {
        if let files = state.files { return files }
        var files = LogFiles(directory: directory, limits: limits)
        look(at: &files, &state)
        state.last = max(state.last, files.newestTime())
        state.files = files
        return files
    }

    private func look(at files: inout LogFiles, _ state: inout State) {
        do { try files.look() } catch { noteFailure("function log not read", error, &state) }
    }

    /// Says once what cannot be done.
    private func noteFailure(_ message: Logger.Message, _ error: any Error, _ state: inout State) {
        if !state.hasFailed {
            logger.warning(message, metadata: ["directory": "\(directory)", "error": "\(error)"])
        }
        state.hasFailed = true
    }

    var hasEvents: Bool {
        state.withLock { state in
            files(&state).segments.contains { $0.bytes > 0 } || !state.buffer.isEmpty
        }
    }

    /// The files as they are now, with everything that waited in memory.
    func segments() -> [LogSegment] {
        state.withLock { state in
            flush(&state)
            var files = files(&state)
            look(at: &files, &state)
            state.files = files
            return files.segments
        }
    }
}
