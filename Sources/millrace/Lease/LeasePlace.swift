import ArgumentParser
import Foundation
import ManagementAPI

/// Where commands look at leases and workers: through a running host or, where none is, straight at the store.
struct LeasePlace: ParsableArguments {
    @OptionGroup var host: HostOptions

    @Option(
        help: ArgumentHelp(
            "Of workers without a host, the table that they share: dynamodb://REGION/APPLICATION.",
            valueName: "store"
        )
    )
    var leaseStore: LeaseTable?

    func validate() throws {
        guard leaseStore != nil, host.endpoint != nil || host.data != nil else { return }
        throw ValidationError(
            "--lease-store is asked instead of a host: leave out --endpoint and --data, or --lease-store"
        )
    }

    /// Lends the leases and workers of the place; what it refuses becomes a failure of the command.
    ///
    /// - Parameter tellsLife: The command shows who lives, which at a store takes some seconds to find out.
    func inspect<Value>(
        tellsLife: Bool = false,
        _ body: (any LeaseInspection) async throws -> Value
    ) async throws -> Value {
        do {
            return try await body(try await inspection(tellsLife: tellsLife))
        } catch let refused as InspectionRefused {
            throw CommandFailure("\(refused)", hint: refused.hint)
        }
    }

    private func inspection(tellsLife: Bool) async throws -> any LeaseInspection {
        let clock = ContinuousClock()
        let stored: StoreLeaseInspection
        if let leaseStore {
            let access = HostAccess(caFile: host.caFile)
            stored = try await .leaseTable(leaseStore, caFile: access.caFile, clock: clock)
        } else if let directory = try host.unservedDirectory() {
            stored = try .dataDirectory(directory, clock: clock)
        } else {
            return try host.client()
        }
        if tellsLife {
            printError("no host was asked: looking for up to 10 s at who lives")
            try await stored.watch(on: clock)
        }
        return stored
    }
}

/// Prints values with the same fields as the management API has.
func printJSON(_ value: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    print(String(decoding: try encoder.encode(value), as: UTF8.self))
}
