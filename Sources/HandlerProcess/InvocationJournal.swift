import FunctionLogs
import Glibc
import HandlerWire
import StreamCore

/// What one process prints, with the lines around each invocation, on its way into the function's log.
struct InvocationJournal: ~Copyable {
    private let function: FunctionDefinition
    private let version: FunctionQualifier
    private let log: FunctionLog
    private let stream: FunctionLog.Stream
    private var output = OutputCapture()
    private var errors = OutputCapture()
    private var memory = PeakMemory()
    /// Until the first invocation has reported it.
    private var initDuration: Duration?
    /// The last of what was printed in the invocation that runs.
    private var printed: [UInt8] = []

    init(_ function: FunctionDefinition, version: FunctionQualifier, log: FunctionLog, streamName: String) {
        self.function = function
        self.version = version
        self.log = log
        stream = log.open(streamName)
    }

    // MARK: - What the process prints

    /// A pipe that is closed is polled as a negative number, which is passed over.
    func appendDescriptors(of process: SpawnedProcess, to set: inout [pollfd]) {
        let outputNumber = output.isOpen ? process.output.number : -1
        let errorsNumber = errors.isOpen ? process.errors.number : -1
        set.append(pollfd(fd: outputNumber, events: Int16(POLLIN), revents: 0))
        set.append(pollfd(fd: errorsNumber, events: Int16(POLLIN), revents: 0))
    }

    mutating func captureOutput(of process: SpawnedProcess) {
        if output.isOpen { keep(output.capture(process.output)) }
    }

    mutating func captureErrors(of process: SpawnedProcess) {
        if errors.isOpen { keep(errors.capture(process.errors)) }
    }

    /// Takes what a process that has ended left behind.
    mutating func finish(_ process: SpawnedProcess) {
        keep(output.finish(process.output))
        keep(errors.finish(process.errors))
    }

    /// The last of what it wrote to its standard error.
    var lastWords: String { errors.tailText }

    private mutating func keep(_ lines: [UInt8]) {
        guard !lines.isEmpty else { return }
        log.append(lines, to: stream)
        printed += lines.suffix(OutputCapture.tailBytes)
        if printed.count > OutputCapture.tailBytes {
            printed.removeFirst(printed.count - OutputCapture.tailBytes)
        }
    }

    // MARK: - Invocations

    /// The process is ready for its first invocation.
    mutating func started(after duration: Duration) {
        initDuration = duration
    }

    mutating func begin(_ requestID: String) {
        printed.removeAll(keepingCapacity: true)
        keep(InvocationLines.start(requestID, version: version))
    }

    /// - Parameter failure: Where the process did not survive it.
    mutating func end(_ requestID: String, after duration: Duration, failure: HandlerFailure? = nil) {
        keep(
            InvocationLines.end(
                InvocationLines.Report(
                    requestID: requestID,
                    duration: duration,
                    memoryMegabytes: function.memoryMegabytes,
                    peakMegabytes: memory.megabytes,
                    initDuration: initDuration,
                    failure: failure
                )
            )
        )
        initDuration = nil
    }

    /// The last of what was printed in the invocation that ended last, with the lines around it.
    var tail: String { String(decoding: printed.drop { $0 & 0xC0 == 0x80 }, as: UTF8.self) }

    // MARK: - The process

    mutating func lookAtMemory(of pid: Int32, _ now: ContinuousClock.Instant) {
        memory.look(at: pid, now)
    }

    /// Whether the process had used up its memory when it was last looked at, or said so itself.
    var ranOutOfMemory: Bool {
        let words = lastWords
        return memory.bytes >= (function.memoryMegabytes << 20) / 10 * 9 || words.hasSuffix("MemoryError")
            || words.contains("std::bad_alloc")
    }

    /// When what waits in memory is to be written.
    var flushDue: ContinuousClock.Instant? { log.flushDue }

    func flushIfDue() {
        if let due = log.flushDue, due <= .now { log.flush() }
    }

    /// - Parameter startFailure: Why the process never took work.
    func close(startFailure: String?, after duration: Duration) {
        if let startFailure {
            log.append(InvocationLines.initFailed(after: duration, reason: startFailure), to: stream)
        }
        log.close(stream)
    }
}
