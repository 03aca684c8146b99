import Coordination
import Logging
import StreamCore
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1)))
struct FunctionSupervisorTests {
    private enum Event: Hashable, Sendable {
        case started(FunctionName, timeout: Int)
        case ended(FunctionName, timeout: Int)
    }

    private let clock = TestClock()
    private let drain = DrainSignal()
    private let events = Recorder<Event>()
    private let registrations = AsyncStream.makeStream(of: [RegisteredFunction].self)

    /// Runs a supervisor whose functions run until they are drained, unless `body` does something else.
    private func supervise(
        _ body: @escaping @Sendable (RegisteredFunction) async throws -> Void = { _ in await Gate().pass() }
    ) -> Task<Void, Never> {
        let supervisor = FunctionSupervisor(
            clock: clock,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        ) { [events] function, drain in
            let (name, timeout) = (function.definition.name, function.definition.timeoutSeconds)
            events.append(.started(name, timeout: timeout))
            defer { events.append(.ended(name, timeout: timeout)) }
            _ = try await drain.interruptible { try await body(function) }
        }
        return Task { [registrations, drain] in await supervisor.run(registrations.stream, until: drain) }
    }

    private func register(_ functions: (name: FunctionName, timeout: Int)...) {
        registrations.continuation.yield(
            functions.map { name, timeout in
                RegisteredFunction(
                    definition: FunctionDefinition(
                        name: name,
                        runtime: .swiftPlugin,
                        handler: "Handler",
                        codeDirectory: "/functions",
                        timeoutSeconds: timeout
                    ),
                    lastModified: Timestamp(milliseconds: 0),
                    mappings: []
                )
            }
        )
    }

    @Test func `every registered function runs until draining ends them all`() async {
        let supervisor = supervise()
        register(("alerts", 3), ("delays", 3))
        await events.wait(for: 2)
        #expect(Set(events.events) == [.started("alerts", timeout: 3), .started("delays", timeout: 3)])

        drain.request()
        await supervisor.value

        #expect(Set(events.events.suffix(2)) == [.ended("alerts", timeout: 3), .ended("delays", timeout: 3)])
    }

    @Test func `a function that changed is drained and then started as it is now`() async {
        let supervisor = supervise()
        register(("alerts", 3), ("delays", 3))
        await events.wait(for: 2)

        register(("alerts", 9), ("delays", 3))
        await events.wait(for: 4)

        #expect(events.events.suffix(2) == [.ended("alerts", timeout: 3), .started("alerts", timeout: 9)])
        drain.request()
        await supervisor.value
    }

    @Test func `a function that was removed ends, and the others run on`() async {
        let supervisor = supervise()
        register(("alerts", 3), ("delays", 3))
        await events.wait(for: 2)

        register(("delays", 3))
        await events.wait(for: 3)

        #expect(events.events.last == .ended("alerts", timeout: 3))
        drain.request()
        await supervisor.value
        #expect(events.events.count == 4)
    }

    @Test func `a function that is registered again while it ends is started again`() async {
        let supervisor = supervise()
        register(("alerts", 3))
        await events.wait(for: 1)

        register()
        register(("alerts", 3))
        await events.wait { $0.count { $0 == .started("alerts", timeout: 3) } == 1 && $0.count >= 1 }
        drain.request()
        await supervisor.value

        // Either the two changes were seen as none, or it ended and was started again.
        #expect([2, 4].contains(events.events.count))
    }

    @Test(arguments: [true, false])
    func `a function that ends by itself is started again after a pause`(isFailure: Bool) async {
        struct Fault: Error {}
        let supervisor = supervise { _ in if isFailure { throw Fault() } }
        register(("alerts", 3))

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
        register(("alerts", 3))

        await supervise().value

        #expect(events.events.isEmpty)
    }

    @Test func `cancellation ends every function`() async {
        let supervisor = supervise()
        register(("alerts", 3))
        await events.wait(for: 1)

        supervisor.cancel()
        await supervisor.value

        #expect(events.events.count == 2)
    }
}
