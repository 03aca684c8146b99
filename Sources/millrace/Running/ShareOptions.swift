import ArgumentParser
import Coordination

/// Which share of the leases a worker takes.
struct ShareOptions: ParsableArguments {
    @Option(
        help: """
            What an even share is measured by. load: CPU time and throughput, as KCL 3 does. count: the number of leases. The \
            same for all workers.
            """
    )
    var balancing = LeasePlan.Balancing.load

    @Option(help: "The most leases of each mapping that this worker takes. Default: any number.")
    var maxLeases: Int?

    var rules: LeasePlan.Rules { LeasePlan.Rules(balancing: balancing, maxLeases: maxLeases) }

    func validate() throws {
        guard let maxLeases, maxLeases < 1 else { return }
        throw ValidationError("--max-leases is \(maxLeases) and must be at least 1")
    }
}

extension LeasePlan.Balancing: ExpressibleByArgument {}
