import EmbeddedLog
import Foundation
import Logging
import StreamCore
import Synchronization
import TestSupport

let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// Lends an open log in a fresh directory and closes it afterwards.
@discardableResult
func withLog<Result>(
    _ options: LogOptions = LogOptions(),
    _ body: (EmbeddedLog) async throws -> Result
) async throws -> Result {
    try await withTemporaryDirectory { path in
        let log = try EmbeddedLog.open(directory: path, options: options, logger: silent)
        defer { log.close() }
        return try await body(log)
    }
}

/// Opens the log, lends it and closes it.
@discardableResult
func reopened<Result>(
    _ directory: String,
    _ options: LogOptions = LogOptions(),
    _ body: (EmbeddedLog) async throws -> Result
) async throws -> Result {
    let log = try EmbeddedLog.open(directory: directory, options: options, logger: silent)
    defer { log.close() }
    return try await body(log)
}

/// What a power cut would leave: the files as they are now, without the log being closed.
func withCrashedCopy<Result>(
    of directory: String,
    _ body: (_ path: String) async throws -> Result
) async throws -> Result {
    try await withTemporaryDirectory { path in
        let copy = path + "/copy"
        try FileManager.default.copyItem(atPath: directory, toPath: copy)
        return try await body(copy)
    }
}

/// The files below a directory whose names end so, in order of their paths.
func files(in directory: String, suffix: String) throws -> [String] {
    try FileManager.default.subpathsOfDirectory(atPath: directory)
        .filter { $0.hasSuffix(suffix) }
        .sorted()
        .map { "\(directory)/\($0)" }
}

/// A wall clock that a test sets.
final class WallClock: Sendable {
    private let time: Mutex<Int64>

    init(_ milliseconds: Int64 = 1_700_000_000_000) {
        time = Mutex(milliseconds)
    }

    var now: Timestamp { Timestamp(milliseconds: time.withLock(\.self)) }
    func set(_ milliseconds: Int64) { time.withLock { $0 = milliseconds } }
    func advance(hours: Int64) { time.withLock { $0 += hours * 3_600_000 } }
}

extension LogOptions {
    init(wallClock: WallClock) {
        self.init()
        self.wallClock = { wallClock.now }
    }
}

extension NewRecords {
    /// Records with these texts as payloads, all with one hash key.
    init(_ payloads: [String], hashKey: UInt128 = 0) {
        self.init()
        for payload in payloads { append(partitionKey: "key", hashKey: hashKey, payload: payload.utf8) }
    }
}

extension RecordBatch {
    var payloads: [String] { entries.indices.map { String(decoding: payload(at: $0), as: UTF8.self) } }
}

extension EmbeddedStream {
    /// Stores the payloads in the first shard, one call each, and returns their numbers.
    @discardableResult
    func append(each payloads: [String]) async -> [SequenceNumber] {
        var numbers: [SequenceNumber] = []
        for payload in payloads {
            numbers += await append(NewRecords([payload])).entries.map(\.sequenceNumber)
        }
        return numbers
    }

    /// Everything that can be read from a position on, without waiting.
    func readAll(_ shard: ShardID = .first, from position: Position = .trimHorizon) throws -> RecordBatch {
        var cursor = try cursor(in: shard, at: position)
        var all = RecordBatch.empty
        while true {
            let read = try read(shard, from: cursor, maxRecords: 1000, maxBytes: 1 << 20)
            if read.result.batch.isEmpty { return all }
            all = all.appending(read.result.batch)
            cursor = read.next
        }
    }
}

extension ShardID {
    static let first = ShardID(number: 0)
}

/// File operations that fail when a test says so.
final class FaultyFiles: Sendable {
    private struct State {
        var writeError: Int32?
        var syncError: Int32?
        var pathPart = ""
        var partialBytes = 0
        var syncCount = 0

        func concerns(_ path: String) -> Bool { pathPart.isEmpty || path.contains(pathPart) }
    }

    private let state = Mutex(State())
    let failures = Recorder<String>()
    /// The paths of what has come to the disk, each time.
    let synced = Recorder<String>()

    /// From now on writes to paths with this part fail, after some bytes.
    func failWrites(_ errno: Int32, path part: String = "", after bytes: Int = 0) {
        state.withLock {
            $0.writeError = errno
            $0.pathPart = part
            $0.partialBytes = bytes
        }
    }

    func failSyncs(_ errno: Int32, path part: String = "") {
        state.withLock {
            $0.syncError = errno
            $0.pathPart = part
        }
    }

    func heal() {
        state.withLock {
            $0.writeError = nil
            $0.syncError = nil
        }
    }

    var syncCount: Int { state.withLock(\.syncCount) }

    var operations: FileOperations {
        FileOperations(
            write: { [self] descriptor, buffers, offset, path throws(LogFileFailure) in
                let (error, bytes) = state.withLock { ($0.writeError, $0.partialBytes) }
                if let error, state.withLock({ $0.concerns(path) }) {
                    if let first = buffers.first, bytes > 0 {
                        let part = UnsafeRawBufferPointer(rebasing: first.prefix(bytes))
                        try FileOperations.system.write(descriptor, [part], offset, path)
                    }
                    failures.append("write")
                    throw LogFileFailure(action: "writing", file: path, errno: error)
                }
                try FileOperations.system.write(descriptor, buffers, offset, path)
            },
            sync: { [self] descriptor, path throws(LogFileFailure) in
                let error = state.withLock { state in
                    state.syncCount += 1
                    return state.concerns(path) ? state.syncError : nil
                }
                if let error {
                    failures.append("sync")
                    throw LogFileFailure(action: "syncing", file: path, errno: error)
                }
                try FileOperations.system.sync(descriptor, path)
                synced.append(path)
            }
        )
    }
}

extension EmbeddedLog {
    /// What can be read from the first shard of the stream `flights`.
    func payloads() throws -> [String] { try stream("flights").readAll().payloads }
}
