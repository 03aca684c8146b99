import Foundation
import HandlerProcess
import StreamCore
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(15)))
struct HandlerIsolationTests {
    @Test func `a handler sees the environment of Lambda and nothing of the host's`() async throws {
        // In a process of its own: other tests read the environment meanwhile, and would have these keys.
        await #expect(processExitsWith: .success) {
            setenv("MILLRACE_TEST_SECRET", "host only", 1)
            setenv("AWS_ACCESS_KEY_ID", "host only", 1)
            setenv("AWS_SECRET_ACCESS_KEY", "host only", 1)
            try await Self.expectEnvironmentOfLambda()
        }
    }

    private static func expectEnvironmentOfLambda() async throws {
        let script = "#!/bin/sh\ncat /proc/$$/environ > environment\n"
        try await HandlerFixture.with(bootstrap: script, environment: ["STAGE": "test"]) { fixture in
            _ = await fixture.invoke("succeed")

            let pairs = try fixture.contents("environment").split(separator: "\0").map {
                $0.split(separator: "=", maxSplits: 1).map(String.init)
            }
            let environment = Dictionary(uniqueKeysWithValues: pairs.map { ($0[0], $0[1]) })
            let expected: Set = [
                "AWS_DEFAULT_REGION", "AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
                "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE",
                "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_LAMBDA_RUNTIME_API",
                "AWS_REGION",
                "LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT", "LANG", "PATH", "STAGE", "TZ", "_HANDLER",
            ]
            #expect(Set(environment.keys) == expected)
            #expect(!environment.values.contains("host only"))
            #expect(environment["STAGE"] == "test")
            #expect(environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "256")
            #expect(environment["LAMBDA_TASK_ROOT"] == fixture.directory)
        }
    }

    @Test func `a handler has no descriptor of the host`() async throws {
        try await HandlerFixture.with { fixture in
            _ = await fixture.invoke("descriptors \(fixture.file("descriptors"))")

            let data = Data(try fixture.contents("descriptors").utf8)
            let descriptors = try JSONDecoder().decode([String].self, from: data).compactMap(Int.init)
                .sorted()
            // Standard streams, its connection to the Runtime API, the file that is written, the directory that is
            // read.
            #expect(descriptors.prefix(3) == [0, 1, 2])
            #expect(descriptors.count <= 6)
        }
    }

    @Test func `a handler leads a process group and a session of its own`() async throws {
        try await HandlerFixture.with { fixture in
            _ = await fixture.invoke("group \(fixture.file("group"))")

            let numbers = try fixture.contents("group").split(separator: " ")
            #expect(Set(numbers).count == 1)
        }
    }

    @Test func `a handler's children are killed with it`() async throws {
        try await HandlerFixture.with { fixture in
            _ = await fixture.invoke("spawn \(fixture.file("child"))")
            let child = try #require(Int32(try fixture.contents("child")))
            #expect(!HandlerFixture.isGone(child))

            _ = await fixture.invoke("exit")

            while !HandlerFixture.isGone(child) { await Task.yield() }
        }
    }

    @Test func `memory past the function's limit is refused`() async throws {
        try await HandlerFixture.with(memoryMegabytes: 128) { fixture in
            let within = await fixture.invoke("allocate 32")
            let past = await fixture.invoke("allocate 256")

            #expect(within == .succeeded)
            guard case .failed(.outOfMemory(128, let words)) = past else {
                return #expect(Bool(false), "\(past)")
            }
            #expect(words.contains("MemoryError"))
        }
    }
}
