import Glibc
import StreamCore

/// A moment in parts of the calendar, UTC.
struct UTCDate {
    private let parts: tm
    private let milliseconds: Int

    init(_ time: Timestamp) {
        let (seconds, rest) = time.milliseconds.quotientAndRemainder(dividingBy: 1_000)
        // Before 1970 the rest is negative.
        var whole = time_t(rest < 0 ? seconds - 1 : seconds)
        var parts = tm()
        gmtime_r(&whole, &parts)
        self.parts = parts
        milliseconds = Int(rest < 0 ? rest + 1_000 : rest)
    }

    /// Such as `2019-11-14T00:38:06.021Z`.
    var iso: String { "\(day("-"))T\(time(":")).\(Self.digits(milliseconds, 3))Z" }

    /// Such as `2019/11/14`, or with another separator.
    func day(_ separator: String) -> String {
        let year = Self.digits(Int(parts.tm_year) + 1900, 4)
        return [year, Self.digits(Int(parts.tm_mon) + 1, 2), Self.digits(Int(parts.tm_mday), 2)]
            .joined(separator: separator)
    }

    func time(_ separator: String) -> String {
        [parts.tm_hour, parts.tm_min, parts.tm_sec].map { Self.digits(Int($0), 2) }
            .joined(separator: separator)
    }

    private static func digits(_ value: Int, _ count: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, count - digits.count)) + digits
    }
}
