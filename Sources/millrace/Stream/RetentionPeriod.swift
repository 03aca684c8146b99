import ArgumentParser
import ManagementAPI

/// How long a stream keeps its records, as commands read and write it: `24h`, `7d` or `none` for ever.
enum RetentionPeriod: ExpressibleByArgument, Hashable, CustomStringConvertible {
    /// 1–8,760.
    case hours(Int)
    case unlimited

    static let standard = RetentionPeriod.hours(24)
    /// The longest that the Kinesis API has a word for.
    static let longestHours = 365 * 24

    init?(argument: String) {
        if argument == "none" {
            self = .unlimited
            return
        }
        let hoursPerUnit: [Character: Int] = ["h": 1, "d": 24]
        guard let unit = argument.last, let factor = hoursPerUnit[unit], let count = Int(argument.dropLast()),
            (1...Self.longestHours / factor).contains(count)
        else { return nil }
        self = .hours(count * factor)
    }

    /// `nil` for ever.
    var hours: Int? {
        switch self {
        case .hours(let hours): hours
        case .unlimited: nil
        }
    }

    var description: String { hours.map { "\($0) h" } ?? "none" }

    var defaultValueDescription: String { hours.map { "\($0)h" } ?? "none" }
}

extension HostClient {
    /// The retention of a stream, from its description in the Kinesis API.
    func retention(of stream: String, _ summary: [String: Any]) async -> RetentionPeriod {
        let hours = summary["RetentionPeriodHours"] as? Int ?? 0
        // Unlimited shows there as the longest period, and only the management API tells them apart; a service that
        // lacks it has no unlimited streams.
        guard hours == RetentionPeriod.longestHours,
            let exact = try? await management(
                "GET",
                "streams/\(stream)/retention",
                as: RetentionSummary.self
            ),
            exact.hours == nil
        else { return .hours(hours) }
        return .unlimited
    }

    /// Sets the retention of a stream that has the standard one.
    func setRetention(of stream: String, to period: RetentionPeriod) async throws {
        guard period != .standard else { return }
        if case .hours(let hours) = period, hours >= 24 {
            let request: [String: Any] = ["StreamName": stream, "RetentionPeriodHours": hours]
            _ = try await kinesis("IncreaseStreamRetentionPeriod", request)
        } else {
            // The Kinesis API has no word for less than 24 hours, nor for no limit.
            let path = "streams/\(stream)/retention"
            try await management("PUT", path, RetentionSummary(hours: period.hours))
        }
    }
}
