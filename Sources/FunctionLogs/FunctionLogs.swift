package import Logging
package import StreamCore

import Foundation
import Synchronization

/// What the functions of a host have printed: one log for each, in a folder of its own.
package final class FunctionLogs: Sendable {
    /// How much is kept of each function.
    package struct Limits: Hashable, Sendable {
        /// Of one function on disk: 64 MiB by default, at least 256 KiB; the oldest goes first.
        package var bytes: Int
        /// What is older goes when its file is full or the host starts: 14 days by default.
        package var retention: Duration

        package init(bytes: Int = 64 << 20, retention: Duration = .seconds(14 * 86_400)) {
            self.bytes = bytes
            self.retention = retention
        }

        /// A log is cut into this many files, so that an eighth of it is what goes at a time.
        static let segments = 8

        var segmentBytes: Int { max(32 << 10, bytes / Self.segments) }
    }

    private let directory: String
    private let limits: Limits
    private let logger: Logger
    private let now: @Sendable () -> Timestamp
    private let logs = Mutex<[FunctionName: FunctionLog]>([:])

    /// - Parameter now: Dates the events.
    package init(
        directory: String,
        limits: Limits = Limits(),
        logger: Logger = Logger(label: "millrace.function-logs"),
        now: @escaping @Sendable () -> Timestamp = FunctionLogs.wallClock
    ) {
        self.directory = directory
        self.limits = limits
        self.logger = logger
        self.now = now
        for function in functions() { log(of: function).prune() }
    }

    package static let wallClock: @Sendable () -> Timestamp = {
        Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
    }

    /// The log of one function; nothing is on disk before its first stream.
    package func log(of function: FunctionName) -> FunctionLog {
        logs.withLock { logs in
            if let log = logs[function] { return log }
            let folder = "\(directory)/\(function)"
            let log = FunctionLog(function, directory: folder, limits: limits, logger: logger, now: now)
            logs[function] = log
            return log
        }
    }

    /// Those that have printed something, in order of their names.
    package func functions() -> [FunctionName] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        // What still waits in memory has no folder yet.
        let known = Set(names.compactMap { FunctionName($0) }).union(logs.withLock { Array($0.keys) })
        return known.filter { log(of: $0).hasEvents }.sorted()
    }

    /// Writes down what is still in memory, at the end of the host.
    package func flush() {
        for log in logs.withLock({ Array($0.values) }) { log.flush() }
    }
}
