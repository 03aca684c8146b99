import ArgumentParser
import ManagementAPI

struct LeaseWhy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "why",
        abstract: "Explains why a shard moves or does not."
    )

    @Argument(help: "\(LeaseReference.help)")
    var lease: String

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var place: LeasePlace

    func run() async throws {
        let found = try await place.inspect(tellsLife: true) { inspection in
            try LeaseReference(text: lease).find(in: try await inspection.leases(of: nil))
        }
        if json { return try printJSON(found) }
        print("\(found.lease): \(found.why)")
        print("checkpoint  \(found.checkpoint)")
        if let behind = found.iteratorAgeMilliseconds { print("behind      \(behind) ms") }
        if let throughput = found.throughputKBps { print("throughput  \(throughput.inOneDigit) KB/s") }
    }
}

extension Double {
    fileprivate var inOneDigit: String { Optional(self).inOneDigit }
}
