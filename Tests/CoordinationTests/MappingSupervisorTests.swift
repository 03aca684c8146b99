import Coordination
import Logging
import StreamCore
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5)))
struct MappingSupervisorTests {
    private enum Event: Hashable, Sendable {
        case started(FunctionName, batchSize: Int)
        case ended(FunctionName, batchSize: Int)
        case settled(FunctionName, EventSourceMapping.State)
    }

    private struct Fault: Error {}

    private let clock = TestClock()
    private let drain = DrainSignal()
    private let events = Recorder<Event>()
    private let registrations = AsyncStream.makeStream(of: [EventSourceMapping].self)

    /// Runs a supervisor whose mappings run until they are drained, unless `body` does something else.
    private func supervise(
        settle: @escaping MappingSupervisor.Settle = { _ in true },
        running body: @escaping @Sendable (EventSourceMapping) async throws -> Void = { _ in
            await Gate().pass()
        }
    ) -> Task<Void, Never> {
        let supervisor = MappingSupervisor(
            clock: clock,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            settle: { [events] mapping in
                guard try await settle(mapping) else { return false }
                events.append(.settled(mapping.function, mapping.state))
                return true
            },
            runMapping: { [events] mapping, drain, ready in
                events.append(.started(mapping.function, batchSize: mapping.source.batchSize))
                ready()
                defer { events.append(.ended(mapping.function, batchSize: mapping.source.batchSize)) }
                _ = try await drain.interruptible { try await body(mapping) }
            }
        )
        return Task { [registrations, drain] in await supervisor.run(registrations.stream, until: drain) }
    }

    private func register(_ mappings: EventSourceMapping...) {
        registrations.continuation.yield(mappings)
    }

    private func mapping(
        _ function: FunctionName,
        _ batchSize: Int = 3,
        isEnabled: Bool = true,
        state: EventSourceMapping.State = .enabled
    ) -> EventSourceMapping {
        EventSourceMapping(
            id: MappingID(unchecked: function.text),
            function: function,
            source: EventSource(
                stream: "flights",
                startingPosition: .latest,
                batchSize: batchSize,
                isEnabled: isEnabled
            ),
            state: state
        )
    }

    @Test func `every mapping runs until draining ends them all`() async {
        let supervisor = supervise()
        register(mapping("alerts"), mapping("delays"))
        await events.wait(for: 2)
        #expect(Set(events.events) == [.started("alerts", batchSize: 3), .started("delays", batchSize: 3)])

        drain.request()
        await supervisor.value

        #expect(
            Set(events.events.suffix(2)) == [.ended("alerts", batchSize: 3), .ended("delays", batchSize: 3)]
        )
    }

    @Test func `a mapping whose settings changed is drained and then started with the new ones`() async {
        let supervisor = supervise()
        register(mapping("alerts"), mapping("delays"))
        await events.wait(for: 2)

        register(mapping("alerts", 9), mapping("delays"))
        await events.wait(for: 4)

        #expect(
            events.events.suffix(2) == [.ended("alerts", batchSize: 3), .started("alerts", batchSize: 9)]
        )
        drain.request()
        await supervisor.value
    }

    @Test func `a change of state alone leaves a mapping running`() async {
        let supervisor = supervise()
        register(mapping("alerts", state: .creating))
        await events.wait(for: 2)

        register(mapping("alerts", state: .enabled))
        register(mapping("alerts", state: .enabled), mapping("delays"))
        await events.wait(for: 3)

        #expect(
            events.events == [
                .started("alerts", batchSize: 3), .settled("alerts", .creating),
                .started("delays", batchSize: 3),
            ]
        )
        drain.request()
        await supervisor.value
    }

    @Test(arguments: [EventSourceMapping.State.disabling, .deleting])
    func `a mapping that shall not run is settled once it has ended`(state: EventSourceMapping.State) async {
        let supervisor = supervise()
        register(mapping("alerts"))
        await events.wait(for: 1)

        register(mapping("alerts", isEnabled: state == .deleting, state: state))
        await events.wait(for: 3)

        #expect(
            events.events == [
                .started("alerts", batchSize: 3), .ended("alerts", batchSize: 3), .settled("alerts", state),
            ]
        )
        drain.request()
        await supervisor.value
    }

    @Test(arguments: [true, false])
    func `a mapping that could not be settled, or that others run as it was, is settled later`(
        isFailure: Bool
    ) async {
        let isFailing = Mutex(true)
        let supervisor = supervise(settle: { _ in
            guard isFailing.withLock(\.self) else { return true }
            if isFailure { throw Fault() }
            return false
        })
        register(mapping("alerts", isEnabled: false, state: .creating))
        await clock.waitForSleepers()
        #expect(events.events.isEmpty)

        isFailing.withLock { $0 = false }
        clock.advance(by: .seconds(1))
        await events.wait(for: 1)

        #expect(events.events == [.settled("alerts", .creating)])
        drain.request()
        await supervisor.value
    }

    @Test func `a mapping that was removed ends, and the others run on`() async {
        let supervisor = supervise()
        register(mapping("alerts"), mapping("delays"))
        await events.wait(for: 2)

        register(mapping("delays"))
        await events.wait(for: 3)

        #expect(events.events.last == .ended("alerts", batchSize: 3))
        drain.request()
        await supervisor.value
        #expect(events.events.count == 4)
    }

    @Test(arguments: [true, false])
    func `a mapping that ends by itself is started again after a pause`(isFailure: Bool) async {
        let supervisor = supervise(running: { _ in if isFailure { throw Fault() } })
        register(mapping("alerts"))

        for runs in 1...5 {
            await events.wait(for: 2 * runs)
            await clock.waitForSleepers()
            #expect(events.events.count == 2 * runs)
            clock.advance(by: .seconds(1))
        }

        await events.wait(for: 12)
        await clock.waitForSleepers()
        drain.request()
        await supervisor.value
    }

    @Test func `draining before the first registration ends at once`() async {
        drain.request()
        register(mapping("alerts"))

        await supervise().value

        #expect(events.events.isEmpty)
    }

    @Test func `cancellation ends every mapping`() async {
        let supervisor = supervise()
        register(mapping("alerts"))
        await events.wait(for: 1)

        supervisor.cancel()
        await supervisor.value

        #expect(events.events.count == 2)
    }
}
