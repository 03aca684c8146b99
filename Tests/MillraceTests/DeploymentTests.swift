import Foundation
import FunctionLogs
import HandlerProcess
import Logging
import StreamCore
import TestSupport
import Testing

@testable import millrace

/// Which code serves a function, with real processes.
@Suite(.timeLimit(.minutes(15))) struct DeploymentTests {
    @Test func `new code takes over between two invocations`() async throws {
        try await Deployed.with { deployed in
            let old = try await deployed.code("old")
            let new = try await deployed.code("new")
            #expect(deployed.apply(Self.function(old)).trials.isEmpty)
            #expect(await deployed.invoke() == .answered("old"))

            let trial = try #require(deployed.apply(Self.function(old, candidate: new)).trials.first)
            #expect(await trial.pool.warm() == nil)
            #expect(await deployed.invoke() == .answered("old"))
            let replaced = deployed.deployments.takeOver(trial)

            #expect(replaced !== trial.pool)
            #expect(await deployed.invoke() == .answered("new"))
            // Another change is read before the registry has settled this one.
            let unsettled = deployed.apply(Self.function(old, candidate: new))
            #expect(unsettled.ended.isEmpty && unsettled.trials.isEmpty)
            // The registry has settled: what took over stays.
            let settled = deployed.apply(Self.function(new, revision: "3"))
            #expect(settled.ended.isEmpty && settled.trials.isEmpty)
            #expect(await deployed.invoke() == .answered("new"))
            await replaced.shutDown(within: .zero)
        }
    }

    @Test func `code that does not start leaves the old one running and says why`() async throws {
        try await Deployed.with { deployed in
            let old = try await deployed.code("old")
            let broken = try await deployed.code("broken", script: "echo no table >&2; exit 3")
            _ = deployed.apply(Self.function(old))

            let trial = try #require(deployed.apply(Self.function(old, candidate: broken)).trials.first)
            let reason = await trial.pool.warm()

            #expect(reason?.contains("no table") == true, "\(reason ?? "started")")
            #expect(await deployed.invoke() == .answered("old"))
            await trial.pool.shutDown(within: .zero)
        }
    }

    @Test func `a candidate is tried once, and again only as another revision`() async throws {
        try await Deployed.with { deployed in
            let old = try await deployed.code("old")
            let new = try await deployed.code("new")
            _ = deployed.apply(Self.function(old))

            #expect(deployed.apply(Self.function(old, candidate: new)).trials.count == 1)
            #expect(deployed.apply(Self.function(old, candidate: new)).trials.isEmpty)
            #expect(deployed.apply(Self.function(old, candidate: new, revision: "3")).trials.count == 1)
        }
    }

    @Test func `a function that is removed while its new code starts stays removed`() async throws {
        try await Deployed.with { deployed in
            let old = try await deployed.code("old")
            let new = try await deployed.code("new")
            _ = deployed.apply(Self.function(old))
            let trial = try #require(deployed.apply(Self.function(old, candidate: new)).trials.first)

            let removal = deployed.deployments.apply([])
            #expect(await trial.pool.warm() == nil)
            let ended = deployed.deployments.takeOver(trial)

            #expect(removal.ended.count == 1)
            #expect(ended === trial.pool)
            #expect(await deployed.invoke() == .notInvoked(.throttled))
            for pool in removal.ended + [ended] { await pool.shutDown(within: .zero) }
        }
    }

    @Test func `a concurrency of 0 throttles, and its removal ends that`() async throws {
        try await Deployed.with { deployed in
            let code = try await deployed.code("one")
            _ = deployed.apply(Self.function(code, reservedConcurrency: 0))
            #expect(await deployed.invoke() == .notInvoked(.throttled))

            _ = deployed.apply(Self.function(code))

            #expect(await deployed.invoke() == .answered("one"))
        }
    }

    @Test func `a version runs what was published, beside the latest code`() async throws {
        try await Deployed.with { deployed in
            let first = try await deployed.code("first")
            let second = try await deployed.code("second")
            let version = FunctionVersion(
                number: 1,
                definition: first,
                published: Timestamp(milliseconds: 0),
                revisionID: "v"
            )
            _ = deployed.apply(Self.function(second, versions: [version]))

            #expect(await deployed.invoke("1") == .answered("first"))
            #expect(await deployed.invoke() == .answered("second"))
            #expect(await deployed.invoke("2") == .notInvoked(.throttled))
        }
    }

    private static func function(
        _ definition: FunctionDefinition,
        candidate: FunctionDefinition? = nil,
        revision: String? = nil,
        reservedConcurrency: Int? = nil,
        versions: [FunctionVersion] = []
    ) -> RegisteredFunction {
        RegisteredFunction(
            definition: definition,
            candidate: candidate,
            lastModified: Timestamp(milliseconds: 0),
            revisionID: revision ?? (candidate == nil ? "1" : "2"),
            reservedConcurrency: reservedConcurrency,
            versions: versions,
            mappings: []
        )
    }
}

/// Deployments whose functions answer a word, each from a folder of its own.
private struct Deployed: Sendable {
    enum Answer: Equatable {
        case answered(String)
        case failed
        case notInvoked(HandlerUnavailable.Kind)
    }

    let directory: String
    let deployments: Deployments

    static func with(_ body: (Deployed) async throws -> Void) async throws {
        try await withTemporaryDirectory { directory in
            let logs = FunctionLogs(directory: directory + "/logs")
            var settings = HandlerSettings(logs: logs)
            settings.logger.logLevel = .critical
            // A busy machine takes its time to start and to end a process.
            settings.startTimeout = .seconds(3_600)
            settings.endLimit = .seconds(3_600)
            let deployed = Deployed(directory: directory, deployments: Deployments(settings: settings))
            let result: Result<Void, any Error>
            do { result = .success(try await body(deployed)) } catch { result = .failure(error) }
            await deployed.deployments.shutDown()
            try result.get()
        }
    }

    /// Code that answers its name, or the given script of the shell.
    func code(_ name: String, script: String? = nil) async throws -> FunctionDefinition {
        let folder = "\(directory)/\(name)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let text = script.map { "#!/bin/sh\n\($0)\n" } ?? Self.bootstrap(answer: name)
        try await writeProgram(text, to: folder + "/bootstrap")
        return FunctionDefinition(
            name: "f",
            runtime: .provided("provided.al2023"),
            handler: "unused",
            codeDirectory: folder,
            timeoutSeconds: 3_600,
            memoryMegabytes: 256
        )
    }

    func apply(_ function: RegisteredFunction) -> Deployments.Changes { deployments.apply([function]) }

    func invoke(_ qualifier: FunctionQualifier? = nil) async -> Answer {
        let function = DeployedFunction(name: "f", qualifier: qualifier, deployments: deployments)
        let payload = PayloadInvocation(payload: Array("{}".utf8), requestID: "r", functionARN: "arn")
        return switch await function.invoke(payload).outcome {
        case .answered(let body): .answered(String(decoding: body, as: UTF8.self))
        case .failed: .failed
        case .notInvoked(let unavailable): .notInvoked(unavailable.kind)
        }
    }

    private static func bootstrap(answer: String) -> String {
        """
        #!/usr/bin/env python3
        import http.client, os
        connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
        base = "/2018-06-01/runtime/invocation/"
        while True:
            connection.request("GET", base + "next")
            response = connection.getresponse()
            response.read()
            request = response.headers["Lambda-Runtime-Aws-Request-Id"]
            connection.request("POST", base + request + "/response", b"\(answer)")
            connection.getresponse().read()

        """
    }
}
