import Contracts
import StreamCore
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5)))
struct FakeTransportTests {
    @Test(arguments: HandlerTransportContract.rules)
    func `a closure keeps the contract of transports`(
        rule: ContractRule<HandlerTransportContract.Subject>
    ) async throws {
        try await rule.check(HandlerTransportContract.Subject { behaviour in makeHandler(behaviour) })
    }

    private func makeHandler(_ behaviour: HandlerTransportContract.Behaviour) -> ClosureHandler {
        let isFirst = Mutex(true)
        return ClosureHandler { _ in
            let wasFirst = isFirst.withLock { isFirst in
                defer { isFirst = false }
                return isFirst
            }
            switch behaviour {
            case .succeeds: return .succeeded
            case .cannotStart: return .notInvoked(HandlerUnavailable(reason: "it is not there"))
            case .hangs:
                await Gate().pass()
                return .failed(.timedOut(after: .seconds(3)))
            case .failsOnce where wasFirst: return .failed(.functionError(type: "Error", message: "no"))
            case .exitsOnce where wasFirst: return .failed(.exited(.signal(9), stderrTail: ""))
            case .timesOutOnce where wasFirst: return .failed(.timedOut(after: .seconds(3)))
            case .failsOnce, .exitsOnce, .timesOutOnce: return .succeeded
            }
        }
    }
}
