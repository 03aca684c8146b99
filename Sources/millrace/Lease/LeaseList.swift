import ArgumentParser
import Foundation
import ManagementAPI

struct LeaseList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Lists the leases: who has each shard, how far it is, and whether it is changing hands.",
        discussion:
            "AGE is how long a lease has not changed: its holder renews it every 3 s, and loses it after 10 s."
    )

    @Option(help: "Only those of one mapping. \(MappingReference.help)")
    var mapping: String?

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var place: LeasePlace

    func run() async throws {
        let leases = try await place.inspect(tellsLife: true) { inspection in
            try matching(try await inspection.leases(of: nil))
        }
        if json { return try printJSON(leases) }
        var table = Table("LEASE", "HOLDER", "STATE", "NEXT", "CHECKPOINT", "AGE", "BEHIND", "KB/S")
        for lease in leases {
            table.add(
                lease.lease,
                lease.holder ?? "-",
                lease.state,
                lease.nextHolder ?? "-",
                lease.checkpoint,
                lease.unchangedSeconds.map { "\($0) s" } ?? "-",
                lease.iteratorAgeMilliseconds.map { "\($0) ms" } ?? "-",
                lease.throughputKBps.inOneDigit
            )
        }
        table.print()
    }

    /// A function names all of its mappings.
    private func matching(_ leases: [LeaseSummary]) throws -> [LeaseSummary] {
        guard let mapping else { return leases }
        let found = leases.filter { lease in
            mapping == lease.function || mapping == "\(lease.function)/\(lease.stream)"
                || (!mapping.isEmpty && lease.mapping.hasPrefix(mapping.lowercased()))
        }
        guard found.isEmpty else { return found }
        throw CommandFailure(
            "there is no lease of a mapping \(mapping)",
            hint: "`millrace mapping list` lists the mappings"
        )
    }
}

extension Double? {
    /// Such as `12.5`; a hyphen while it is not known.
    var inOneDigit: String {
        map { $0.formatted(.number.precision(.fractionLength(1)).grouping(.never)) } ?? "-"
    }
}
