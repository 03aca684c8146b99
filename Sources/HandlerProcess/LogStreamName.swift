import HandlerWire
import StreamCore

/// The name of one process's log stream.
enum LogStreamName {
    /// Such as `2026/11/23/[$LATEST]` and 32 hexadecimal digits, as Lambda names them.
    static func make(version: FunctionQualifier) -> String {
        let digits = (0..<2).map { _ in String(UInt64.random(in: 1 << 60...UInt64.max), radix: 16) }.joined()
        return "\(UTCTime.day(UTCTime.milliseconds()))/[\(version)]\(digits)"
    }
}
