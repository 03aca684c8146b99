/// How long a function whose processes do not start is left alone: 0.25 s after the first failure, twice as long
/// after each further one, at most 60 s.
struct StartBackoff: Equatable {
    static let first = Duration.milliseconds(250)
    static let longest = Duration.seconds(60)

    private(set) var failures = 0
    /// Why the last start failed.
    private(set) var reason: String?
    private var nextAttempt = Duration.zero

    mutating func failed(_ reason: String, at now: Duration) {
        self.reason = reason
        // Doubling ends long before the shift could overflow.
        let delay = min(Self.longest, Self.first * (1 << min(failures, 16)))
        failures += 1
        nextAttempt = now + delay
    }

    mutating func succeeded() {
        self = StartBackoff()
    }

    /// What is left of the wait; `nil` when a start may be tried.
    func remaining(at now: Duration) -> Duration? {
        failures > 0 && now < nextAttempt ? nextAttempt - now : nil
    }
}
