import StreamCore
import TestSupport
import Testing

@Suite struct DrainSignalTests {
    @Test func `an operation that ends by itself gives its value`() async throws {
        let drain = DrainSignal()

        #expect(try await drain.interruptible { 7 } == 7)
        #expect(!drain.isRequested)
    }

    @Test func `a request interrupts every operation that waits`() async throws {
        let drain = DrainSignal()
        let clock = TestClock()
        async let first = drain.interruptible { try await clock.sleep(for: .seconds(60)) }
        async let second = drain.interruptible { try await clock.sleep(for: .seconds(60)) }
        await clock.waitForSleepers(2)

        drain.request()

        #expect(try await first == nil)
        #expect(try await second == nil)
        #expect(drain.isRequested)
    }

    @Test func `after a request nothing new is begun`() async throws {
        let drain = DrainSignal()
        drain.request()
        let clock = TestClock()

        #expect(try await drain.interruptible { try await clock.sleep(for: .seconds(60)) } == nil)
    }

    @Test func `an error of the operation is passed on`() async {
        struct Broken: Error {}
        let drain = DrainSignal()

        await #expect(throws: Broken.self) { try await drain.interruptible { throw Broken() } }
    }

    @Test func `cancelling the caller is not a request`() async {
        let drain = DrainSignal()
        let clock = TestClock()
        let waiting = Task { try await drain.interruptible { try await clock.sleep(for: .seconds(60)) } }
        await clock.waitForSleepers()

        waiting.cancel()

        await #expect(throws: CancellationError.self) { try await waiting.value }
        #expect(!drain.isRequested)
    }
}
