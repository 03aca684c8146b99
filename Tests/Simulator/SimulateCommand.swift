import ArgumentParser
import Foundation

/// Runs coordination and delivery under seeds, each of which fixes everything that happens.
@main
struct SimulateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "millrace-simulate",
        abstract: "Run workers, a store and a log under seeds, and report what must never happen and did."
    )

    @Option(help: "How many seeds to run.")
    var seeds = 1000

    @Option(help: "The first seed; a random one when it is not given.")
    var from: UInt64?

    @Option(help: "Run this seed alone and tell what happens in it.")
    var seed: UInt64?

    @Option(help: "How many processes share the seeds.")
    var jobs = 1

    @Option(
        help:
            "Make this mistake, which is then to be found: \(PlantedBug.allCases.map(\.rawValue).joined(separator: ", "))."
    )
    var plant: PlantedBug?

    @Flag(help: "Tell what happens in the seed in which the planted mistake is found.")
    var story = false

    @Flag(help: "Go on after a seed has failed, and name each in one line.")
    var list = false

    @Option(help: .hidden)
    var step: UInt64 = 1

    mutating func validate() throws {
        guard seeds > 0, (1...64).contains(jobs), step > 0 else {
            throw ValidationError("there is at least one seed, and one to 64 jobs")
        }
    }

    func run() throws {
        // The order of sets and dictionaries is drawn at a process' start, unless it is told not to.
        guard ProcessInfo.processInfo.environment["SWIFT_DETERMINISTIC_HASHING"] != nil else {
            setenv("SWIFT_DETERMINISTIC_HASHING", "1", 1)
            let arguments = CommandLine.arguments.map { strdup($0) } + [nil]
            execv("/proc/self/exe", arguments)
            throw ExitCode.failure
        }
        if let seed { return try tell(seed) }
        let first = from ?? UInt64.random(in: 0..<1_000_000_000)
        if jobs > 1 { return try share(from: first) }
        try run(from: first)
    }

    private func tell(_ seed: UInt64) throws {
        let run = Run(seed: seed, bug: plant, tellsStory: true)
        for line in run.story { print(line) }
        print("seed \(seed): \(run.jobCount) jobs, trace \(String(run.trace, radix: 16))")
        if !run.violations.isEmpty { throw ExitCode.failure }
    }

    private func run(from first: UInt64) throws {
        if step == 1 { print("\(seeds) seeds from \(first)") }
        var (trace, seconds, jobs, cutShort) = (UInt64(0), 0, 0, 0)
        var hasFailed = false
        for count in 0..<seeds {
            let seed = first + UInt64(count) * step
            let run = Run(seed: seed, bug: plant)
            trace ^= run.trace
            seconds += run.simulatedSeconds
            jobs += run.jobCount
            cutShort += run.isCutShort ? 1 : 0
            guard let violation = run.violations.first else { continue }
            if list {
                hasFailed = true
                print("seed \(seed): \(violation)")
                continue
            }
            if let plant, !story {
                return print("\(plant.rawValue) is found by seed \(seed), after \(count + 1): \(violation)")
            }
            for line in Run(seed: seed, bug: plant, tellsStory: true).story { print(line) }
            print("error: seed \(seed): \(violation)")
            let planted = plant.map { " --plant \($0.rawValue)" } ?? ""
            print("hint: it happens again with: .build/debug/millrace-simulate --seed \(seed)\(planted)")
            throw ExitCode.failure
        }
        let cpu = Double(clock()) / Double(CLOCKS_PER_SEC)
        print(
            "\(seeds) seeds, \(seconds / 3600) h simulated, \(jobs) jobs, \(cutShort) cut short, "
                + "\(String(format: "%.1f", cpu)) s of CPU, trace \(String(trace, radix: 16))"
        )
        if let plant {
            guard !hasFailed else { return }
            print("error: \(plant.rawValue) was not found")
            throw ExitCode.failure
        }
        if hasFailed { throw ExitCode.failure }
    }

    /// Every process takes each so many-th seed.
    private func share(from first: UInt64) throws {
        print("\(seeds) seeds from \(first)")
        let jobs = min(self.jobs, seeds)
        let processes = try (0..<jobs).map { index in
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
            process.arguments =
                ["--from", "\(first + UInt64(index))", "--step", "\(jobs)"]
                + ["--seeds", "\((seeds - index + jobs - 1) / jobs)"]
                + (plant.map { ["--plant", $0.rawValue] } ?? []) + (list ? ["--list"] : [])
            try process.run()
            return process
        }
        for process in processes { process.waitUntilExit() }
        if processes.contains(where: { $0.terminationStatus != 0 }) { throw ExitCode.failure }
    }
}
