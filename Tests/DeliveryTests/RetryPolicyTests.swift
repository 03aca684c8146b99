import Delivery
import Testing

struct RetryPolicyTests {
    @Test(arguments: [
        (1, Duration.milliseconds(250)), (2, .milliseconds(500)), (3, .seconds(1)), (7, .seconds(16)),
        (8, .seconds(30)), (9, .seconds(30)), (1_000_000, .seconds(30)),
    ])
    func `the delay doubles with each failure up to the longest`(failures: Int, full: Duration) {
        let policy = RetryPolicy()

        #expect(policy.delay(afterFailures: failures, jitter: 1) == full)
        #expect(policy.delay(afterFailures: failures, jitter: 0) == full / 2)
    }

    @Test(arguments: [(0.5, 9), (1.0, 8)])
    func `a record that fails at once is invoked 8 or 9 times within a minute`(
        jitter: Double,
        invocations: Int
    ) {
        let policy = RetryPolicy()
        var (time, count) = (Duration.zero, 0)

        while time < .seconds(60) {
            count += 1
            time += policy.delay(afterFailures: count, jitter: jitter)
        }

        #expect(count == invocations)
    }

    @Test func `even the longest first delay does not overflow`() {
        let policy = RetryPolicy(first: .seconds(30), longest: .seconds(900))

        #expect(policy.delay(afterFailures: .max, jitter: 1) == .seconds(900))
    }
}
