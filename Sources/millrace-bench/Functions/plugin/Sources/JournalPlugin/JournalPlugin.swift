import Glibc
import MillraceFunction

/// Writes down what it was handed, before anything else: a line for each invocation, in a file of its process.
///
/// A line is the monotonic clock in nanoseconds, the shard, the pid of the host, the request's ID, and the payloads.
struct JournalPlugin: StreamFunction {
    private let file: Int32
    private let host = getppid()

    init() throws {
        guard let directory = getenv("BENCH_DIRECTORY").map({ String(cString: $0) }) else {
            throw Failure(description: "BENCH_DIRECTORY is not set")
        }
        let path = "\(directory)/\(getpid()).journal"
        file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw Failure(description: "cannot open \(path): error \(errno)") }
    }

    mutating func handle(_ batch: RecordBatch, context: InvocationContext) async throws -> BatchResponse {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        let nanoseconds = UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
        var line = "\(nanoseconds) \(batch.shardID) \(host) \(context.requestID)"
        for record in batch {
            line += " "
            line += String(decoding: record.payload, as: UTF8.self)
        }
        line += "\n"
        // One write: a kill leaves a whole line or none.
        let written = line.withUTF8 { write(file, $0.baseAddress, $0.count) }
        guard written == line.utf8.count else {
            throw Failure(description: "journal not written: error \(errno)")
        }
        return .success
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }
}

@_cdecl("millrace_function")
public func millraceFunction(_ channel: Int32) -> Int32 { JournalPlugin.run(channel) }
