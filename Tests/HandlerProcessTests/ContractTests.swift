import Contracts
import Foundation
import FunctionLogs
import HandlerProcess
import Logging
import StreamCore
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(15)))
struct HandlerPoolContractTests {
    @Test(arguments: HandlerTransportContract.rules)
    func `a pool of processes keeps the contract of transports`(
        rule: ContractRule<HandlerTransportContract.Subject>
    ) async throws {
        try await withTemporaryDirectory { directory in
            let pools = Mutex<[HandlerPool]>([])
            let clock = TestClock()
            let subject = HandlerTransportContract.Subject { behaviour in
                let code = "\(directory)/\(UUID().uuidString)"
                let pool = try await makePool(behaviour, code, clock)
                pools.withLock { $0.append(pool) }
                return behaviour == .timesOutOnce ? TimingOut(pool: pool, code: code, clock: clock) : pool
            }
            // A rule that fails records its issues; it throws only when it cannot go on.
            let outcome: Result<Void, any Error>
            do { outcome = .success(try await rule.check(subject)) } catch { outcome = .failure(error) }
            for pool in pools.withLock(\.self) { await pool.shutDown(within: .zero) }
            try outcome.get()
        }
    }

    private func makePool(
        _ behaviour: HandlerTransportContract.Behaviour,
        _ code: String,
        _ clock: TestClock
    ) async throws -> HandlerPool {
        try FileManager.default.createDirectory(atPath: code, withIntermediateDirectories: true)
        if behaviour != .cannotStart {
            try await writeProgram(Self.bootstrap, to: "\(code)/bootstrap")
        }
        var settings = HandlerSettings(logs: FunctionLogs(directory: "\(code)/logs"), clock: clock)
        settings.logger.logLevel = .critical
        settings.makePatient()
        let function = FunctionDefinition(
            name: "behaves",
            runtime: .provided("provided.al2023"),
            handler: "unused",
            codeDirectory: code,
            timeoutSeconds: 60,
            memoryMegabytes: 256,
            environment: ["BEHAVIOUR": "\(behaviour)"]
        )
        return HandlerPool(function: function, settings: settings)
    }

    /// A custom runtime that misbehaves in its first batch, also when a new process takes that batch again.
    private static let bootstrap = #"""
        #!/usr/bin/env python3
        import http.client, os, signal, sys

        connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
        behaviour = os.environ["BEHAVIOUR"]

        def is_first():
            try:
                os.close(os.open("done-once", os.O_CREAT | os.O_EXCL))
                return True
            except FileExistsError:
                return False

        while True:
            connection.request("GET", "/2018-06-01/runtime/invocation/next")
            response = connection.getresponse()
            response.read()
            path = "/2018-06-01/runtime/invocation/" + response.headers["Lambda-Runtime-Aws-Request-Id"]
            kind, body = "response", "{}"
            if behaviour == "hangs":
                signal.pause()
            elif behaviour != "succeeds" and is_first():
                if behaviour == "exitsOnce":
                    sys.exit(3)
                if behaviour == "timesOutOnce":
                    signal.pause()
                kind, body = "error", '{"errorMessage": "no", "errorType": "Error"}'
            connection.request("POST", path + "/" + kind, body)
            connection.getresponse().read()
        """#
}

/// Lets an invocation's time pass once the function has begun to wait.
private struct TimingOut: HandlerTransport {
    let pool: HandlerPool
    let code: String
    let clock: TestClock

    func invoke(_ invocation: Invocation) async -> InvocationResult {
        let hasWaited = hasBegunToWait
        async let result = pool.invoke(invocation)
        if !hasWaited {
            while !hasBegunToWait, !Task.isCancelled { await Task.yield() }
            clock.advance(by: pool.function.timeout)
        }
        return await result
    }

    /// It makes this file in its first batch.
    private var hasBegunToWait: Bool { FileManager.default.fileExists(atPath: "\(code)/done-once") }
}
