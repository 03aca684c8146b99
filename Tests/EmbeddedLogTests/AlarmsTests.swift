import StreamCore
import TestSupport
import Testing

@testable import EmbeddedLog

@Suite struct AlarmsTests {
    let clock = TestClock()

    @Test func `one sleeper wakes each at its own time`() async {
        let alarms = Alarms(clock: clock)
        let (early, late) = (WakeSignal(), WakeSignal())
        let second = alarms.set(for: late, in: .seconds(60))
        let first = alarms.set(for: early, in: .seconds(30))

        await clock.waitForSleepers()
        clock.advance(by: .seconds(30))
        await early.wait()
        #expect(alarms.isOver(first))
        #expect(!alarms.isOver(second))

        await clock.waitForSleepers()
        clock.advance(by: .seconds(30))
        await late.wait()
        #expect(alarms.isOver(second))
    }

    @Test func `a removed alarm wakes nobody`() async {
        let alarms = Alarms(clock: clock)
        let (removed, kept) = (WakeSignal(), WakeSignal())
        let alarm = alarms.set(for: removed, in: .seconds(30))
        _ = alarms.set(for: kept, in: .seconds(30))

        alarms.remove(alarm)
        await clock.waitForSleepers()
        clock.advance(by: .seconds(30))
        await kept.wait()

        #expect(await !removed.wait(upTo: .zero, on: clock))
    }
}
