/// How long a failure waits for its next try: half a second after the first, twice as long after each further
/// one, at most five minutes, for ever.
struct DeliveryBackoff: Hashable, Sendable {
    var first = Duration.milliseconds(500)
    var longest = Duration.seconds(300)

    /// - Parameters:
    ///   - failures: At least 1.
    ///   - jitter: A random number from 0 to 1; the delay is 50 to 100 % of its full length.
    func delayMilliseconds(afterFailures failures: Int, jitter: Double) -> Int64 {
        precondition(failures > 0, "a delay follows a failure")
        // Twenty doublings pass any longest delay, and do not overflow.
        let full = min(longest, first * (1 << min(failures - 1, 20))) * (0.5 + 0.5 * jitter)
        return full.components.seconds * 1_000 + full.components.attoseconds / 1_000_000_000_000_000
    }
}
