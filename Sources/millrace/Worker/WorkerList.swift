import ArgumentParser
import ManagementAPI

struct WorkerList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Lists the workers, whether they live, and how much each has to do."
    )

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var place: LeasePlace

    func run() async throws {
        let workers = try await place.inspect(tellsLife: true) { try await $0.workers() }
        if json { return try printJSON(workers) }
        var table = Table("WORKER", "HOST", "PID", "SINCE", "STATE", "LEASES", "CPU", "KB/S")
        for worker in workers {
            // A worker of KCL's says only that it lives.
            let isOurs = worker.processID != 0
            table.add(
                worker.worker,
                isOurs ? worker.host : "-",
                isOurs ? "\(worker.processID)" : "-",
                isOurs ? worker.started : "-",
                worker.state.rawValue,
                "\(worker.leases)",
                worker.cpuPercent == nil ? "-" : "\(worker.cpuPercent.inOneDigit) %",
                worker.throughputKBps.inOneDigit
            )
        }
        table.print()
    }
}
