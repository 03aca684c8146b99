import Foundation
import TestSupport
import Testing

/// What the simulation is worth: whether it repeats itself, tells what happened, and finds what it is there for.
@Suite(.serialized, .timeLimit(.minutes(10)))
struct SimulatorTests {
    /// Each is a mistake made in front of the store, the log or the timing of workers that know nothing of it.
    @Test(arguments: [
        "no-fencing", "owner-only-fence", "early-expiry", "long-trust", "early-child", "blind-acquire",
        "early-release", "hasty-hand-off", "lost-progress", "late-latest", "no-shard-end", "hidden-loss",
    ])
    func `a planted mistake is found within a thousand seeds`(bug: String) async throws {
        let run = try await simulate("--plant", bug, "--from", "0", "--seeds", "1000")

        #expect(run.status == 0, "\(run.output)")
        #expect(run.output.contains("\(bug) is found by seed"), "\(run.output)")
    }

    @Test
    func `a seed does the same in every process`() async throws {
        let runs = [
            try await simulate("--from", "1000", "--seeds", "40"),
            try await simulate("--from", "1000", "--seeds", "40"),
        ]

        let traces = runs.map { $0.output.components(separatedBy: "trace ").last }
        #expect(runs[0].status == 0, "\(runs[0].output)")
        #expect(traces[0] != nil && traces[0] == traces[1])
    }

    @Test
    func `another seed does something else`() async throws {
        var traces: [String?] = []
        for seed in ["1", "2"] {
            traces.append(try await simulate("--seed", seed).output.components(separatedBy: "trace ").last)
        }

        #expect(traces[0] != traces[1])
    }

    @Test
    func `a seed that fails tells its story and how to repeat it`() async throws {
        let run = try await simulate("--plant", "no-shard-end", "--from", "0", "--seeds", "100", "--story")

        #expect(run.status == 1)
        #expect(run.output.contains("faults stop"), "\(run.output.suffix(2000))")
        #expect(run.output.contains("*** it does not come to its end"), "\(run.output.suffix(2000))")
        #expect(run.output.contains("hint: it happens again with"), "\(run.output.suffix(2000))")
    }

    private func simulate(_ arguments: String...) async throws -> (status: Int32, output: String) {
        try await onOwnThread { try run(arguments) }
    }

    private func run(_ arguments: [String]) throws -> (status: Int32, output: String) {
        let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let process = Process()
        process.executableURL = URL(fileURLWithPath: tests).deletingLastPathComponent()
            .appendingPathComponent("millrace-simulate")
        process.arguments = arguments
        let pipe = Pipe.toChild()
        process.standardOutput = pipe
        try process.start()
        let output = String(decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, output)
    }
}
