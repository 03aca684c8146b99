import Coordination
import Logging
import TestSupport
import Testing

@Suite struct LogPaceTests {
    @Test func `what is met again and again is said loudly once a minute`() {
        let clock = TestClock()
        let pace = LogPace(clock: clock)

        let first = [pace.level(.warning), pace.level(.warning)]
        clock.advance(by: LogPace.interval - .milliseconds(1))
        let early = pace.level(.warning)
        clock.advance(by: .milliseconds(1))
        let next = [pace.level(.error), pace.level(.error)]

        #expect(first == [.warning, .debug])
        #expect(early == .debug)
        #expect(next == [.error, .debug])
    }
}
