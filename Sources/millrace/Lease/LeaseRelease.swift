import ArgumentParser
import ManagementAPI

struct LeaseRelease: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "release",
        abstract: "Takes a lease from the worker that has it, so that any worker takes it at its next look.",
        discussion: """
            The worker stops that shard at once, without finishing its batch: what it had in hand may run again. It may take \
            the lease again itself. To move a worker's leases without repeats, use `millrace worker drain`.
            """
    )

    @Argument(help: "\(LeaseReference.help)")
    var lease: String

    @OptionGroup var place: LeasePlace

    func run() async throws {
        let released = try await place.inspect { inspection in
            let found = try LeaseReference(text: lease).find(in: try await inspection.leases(of: nil))
            return try await inspection.release(found)
        }
        let holder = released.holder ?? "nobody"
        let wait = released.nextHolder.map { ", and \($0) waited for it" } ?? ""
        printError("lease \(released.lease) released: \(holder) had it at \(released.checkpoint)\(wait)")
        printError("\(holder) stops the shard; the batches that it had in hand may run again")
        printError("any worker takes it at its next look, within some seconds")
    }
}
