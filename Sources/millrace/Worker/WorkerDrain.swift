import ArgumentParser
import Foundation
import FunctionManifest
import ManagementAPI

struct WorkerDrain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain",
        abstract: "Has a worker finish its batches in hand, give up its leases and end.",
        discussion: """
            Waits until that is done, for 960 s at most. Nothing runs twice: the other workers go on behind its last \
            checkpoints. A worker that is dead has nothing to drain: the others take its leases by themselves.
            """
    )

    @Argument(help: "The worker's name.")
    var worker: String

    @Flag(help: "Do not wait until it has given up its leases.")
    var noWait = false

    @OptionGroup var place: LeasePlace

    /// A batch in flight is waited for, and a function may run for 900 s.
    private static let limit = Duration.seconds(960)
    private static let pause = Duration.milliseconds(250)
    /// A look at a table in DynamoDB reads all of it.
    private static let tablePause = Duration.seconds(2)

    func run() async throws {
        try await place.inspect { inspection in
            let name = try WorkerReference(text: worker).find(in: try await inspection.workers()).worker
            let asked = try await inspection.drain(name)
            printError("worker \(name) drains: it has \(asked.leases.leases)")
            if !noWait { try await waitUntilDrained(name, inspection) }
        }
    }

    private func waitUntilDrained(_ name: String, _ inspection: any LeaseInspection) async throws {
        let end = ContinuousClock.now + Self.limit
        while true {
            guard let now = try await inspection.workers().first(where: { $0.worker == name }) else {
                return printError("worker \(name) has ended")
            }
            switch now.state {
            case .dead, .silent:
                throw CommandFailure(
                    "worker \(name) became \(now.state.rawValue) while it drained, with \(now.leases.leases)",
                    hint:
                        "the other workers take them within the failover time; batches in flight may run again"
                )
            case .draining where now.leases == 0:
                return printError("worker \(name) has given up its leases")
            case .live, .draining: break
            }
            guard ContinuousClock.now < end else {
                throw CommandFailure(
                    "worker \(name) still has \(now.leases.leases) after \(Self.limit.formatted())",
                    hint: "`millrace lease list` tells which"
                )
            }
            try await Task.sleep(for: place.leaseStore == nil ? Self.pause : Self.tablePause)
        }
    }
}

/// How a command names a worker.
struct WorkerReference: Equatable {
    let text: String

    /// - Throws: `CommandFailure` when there is none of that name.
    func find(in workers: [WorkerSummary]) throws -> WorkerSummary {
        if let worker = workers.first(where: { $0.worker == text }) { return worker }
        let names = workers.map(\.worker)
        let there =
            names.isEmpty ? "no worker has reported itself" : "there are \(names.joined(separator: ", "))"
        throw CommandFailure(
            "there is no worker \(text); \(there)",
            hint: NearestName.of(text, among: names).map { "did you mean \($0)?" }
                ?? "`millrace worker list` lists them"
        )
    }
}
