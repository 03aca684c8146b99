import Glibc

/// Wall-clock time for logs, deadlines and events; nothing is decided by it.
package enum UTCTime {
    package static func milliseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    /// To the second, such as `2026-11-23T02:15:07Z`.
    package static func seconds(_ milliseconds: Int64) -> String {
        let (date, time) = parts(milliseconds)
        return "\(date.joined(separator: "-"))T\(time.joined(separator: ":"))Z"
    }

    /// To the millisecond, such as `2026-11-23T02:15:07.042Z`.
    package static func precise(_ milliseconds: Int64) -> String {
        "\(seconds(milliseconds).dropLast()).\(String(1000 + milliseconds % 1000).dropFirst())Z"
    }

    /// The day, such as `2026/11/23`.
    package static func day(_ milliseconds: Int64) -> String {
        parts(milliseconds).date.joined(separator: "/")
    }

    private static func parts(_ milliseconds: Int64) -> (date: [String], time: [String]) {
        var seconds = time_t(milliseconds / 1000)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        let date = [Int(parts.tm_year) + 1900, Int(parts.tm_mon) + 1, Int(parts.tm_mday)].map(twoDigits)
        return (date, [parts.tm_hour, parts.tm_min, parts.tm_sec].map { twoDigits(Int($0)) })
    }

    private static func twoDigits(_ value: Int) -> String { value < 10 ? "0\(value)" : String(value) }
}
