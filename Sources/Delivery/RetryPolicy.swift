/// How long to wait before a batch is invoked again.
///
/// Lambda does not document its back-off; its one recorded anchor is 8 invocations within 60 s of a record
/// that fails at once. These delays give 8 or 9.
package struct RetryPolicy: Hashable, Sendable {
    package let first: Duration
    package let longest: Duration

    /// Between two looks at a function that cannot take a batch: it has a back-off of its own for starting.
    package static let refused = RetryPolicy(first: .milliseconds(100), longest: .seconds(2))

    /// Between two tries of a store that did not take a commit.
    package static let store = RetryPolicy(first: .milliseconds(50), longest: .seconds(2))

    package init(first: Duration = .milliseconds(250), longest: Duration = .seconds(30)) {
        precondition(
            first > .zero && first <= longest,
            "back-off starts above zero and below its longest delay"
        )
        self.first = first
        self.longest = longest
    }

    /// The delay after the given number of failed attempts, doubled with each and spread by jitter.
    ///
    /// - Parameters:
    ///   - failures: At least 1.
    ///   - jitter: A random number from 0 to 1; the delay is 50 to 100 % of its full length.
    package func delay(afterFailures failures: Int, jitter: Double) -> Duration {
        precondition(failures > 0, "a delay follows a failure")
        // Twenty doublings pass any longest delay, and do not overflow.
        let full = min(longest, first * (1 << min(failures - 1, 20)))
        return full * (0.5 + 0.5 * jitter)
    }
}
