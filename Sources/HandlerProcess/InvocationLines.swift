import ByteCoding
import HandlerWire
import StreamCore

/// The lines that Lambda writes around what a function prints, as bytes: they are made for every batch.
enum InvocationLines {
    static func start(_ requestID: String, version: FunctionQualifier) -> [UInt8] {
        var line = ByteWriter(capacity: 128)
        line.append("START RequestId: ")
        line.append(text: requestID)
        line.append(" Version: ")
        line.append(text: version.text)
        line.append("\n")
        return line.bytes
    }

    /// What one invocation took.
    struct Report {
        let requestID: String
        let duration: Duration
        let memoryMegabytes: Int
        let peakMegabytes: Int
        /// Of the process's first invocation.
        let initDuration: Duration?
        /// Where the process did not survive it.
        let failure: HandlerFailure?
    }

    /// With the reason before it when the process ended.
    static func end(_ report: Report) -> [UInt8] {
        var lines = ByteWriter(capacity: 512)
        if let failure = report.failure { append(failure, of: report.requestID, to: &lines) }
        let microseconds = report.duration.microseconds
        lines.append("END RequestId: ")
        lines.append(text: report.requestID)
        lines.append("\nREPORT RequestId: ")
        lines.append(text: report.requestID)
        lines.append("\tDuration: ")
        append(hundredthsOf: microseconds, to: &lines)
        lines.append(" ms\tBilled Duration: ")
        lines.append(decimal: (microseconds + 999) / 1000)
        lines.append(" ms\tMemory Size: ")
        lines.append(decimal: report.memoryMegabytes)
        lines.append(" MB\tMax Memory Used: ")
        lines.append(decimal: report.peakMegabytes)
        lines.append(" MB\t")
        if let initial = report.initDuration {
            lines.append("Init Duration: ")
            append(hundredthsOf: initial.microseconds, to: &lines)
            lines.append(" ms\t")
        }
        switch report.failure {
        case .timedOut: lines.append("Status: timeout")
        case .some(let failure): lines.append(text: "Status: error\tError Type: \(failure.errorType)")
        case nil: break
        }
        lines.append("\n")
        return lines.bytes
    }

    private static func append(_ failure: HandlerFailure, of request: String, to lines: inout ByteWriter) {
        if case .timedOut(let limit) = failure {
            let time = UTCTime.precise(UTCTime.milliseconds())
            lines.append(
                text: "\(time) \(request) Task timed out after \(limit.secondsWithTwoDecimals) seconds\n"
            )
        } else {
            lines.append(text: "\(failure.errorMessage(requestID: request))\n\(failure.errorType)\n")
        }
    }

    /// A process that never took work.
    static func initFailed(after duration: Duration, reason: String) -> [UInt8] {
        var lines = ByteWriter(capacity: 256)
        lines.append("INIT_REPORT Init Duration: ")
        append(hundredthsOf: duration.microseconds, to: &lines)
        lines.append(" ms\tPhase: init\tStatus: error\nError: ")
        lines.append(text: reason.replacing("\n", with: " "))
        lines.append("\n")
        return lines.bytes
    }

    /// Milliseconds with two decimals.
    private static func append(hundredthsOf microseconds: Int64, to lines: inout ByteWriter) {
        let hundredths = (microseconds + 5) / 10
        let fraction = hundredths % 100
        lines.append(decimal: hundredths / 100)
        lines.append(fraction < 10 ? ".0" : ".")
        lines.append(decimal: fraction)
    }
}

extension Duration {
    fileprivate var microseconds: Int64 {
        components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000
    }
}
