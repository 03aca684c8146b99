import FunctionManifest
import ManagementAPI

/// How a command names a lease: FUNCTION/SHARD, MAPPING/SHARD, or the shard alone when no other mapping has one of that
/// name.
struct LeaseReference: Equatable {
    let text: String

    static let help = "FUNCTION/SHARD, MAPPING/SHARD, or the shard alone when only one lease has that name."

    /// How many leases an error names at most.
    private static let maximumListed = 10

    /// - Throws: `CommandFailure` when it names none of them, or several.
    func find(in leases: [LeaseSummary]) throws -> LeaseSummary {
        let found = leases.filter { lease in
            [lease.shard, "\(lease.function)/\(lease.shard)", "\(lease.mapping)/\(lease.shard)"].contains(
                text
            )
        }
        if found.count == 1 { return found[0] }
        guard found.isEmpty else {
            throw CommandFailure(
                "\(text) names \(found.count) leases: \(Self.list(found.map { "\($0.mapping)/\($0.shard)" }))",
                hint: "name the mapping as well"
            )
        }
        guard !leases.isEmpty else {
            throw CommandFailure(
                "there is no lease \(text): there are no leases yet",
                hint: "`millrace mapping list` lists what reads the streams"
            )
        }
        let names = leases.map(\.lease)
        throw CommandFailure(
            "there is no lease \(text); there are \(Self.list(names))",
            hint: NearestName.of(text, among: names + leases.map(\.shard)).map { "did you mean \($0)?" }
                ?? "`millrace lease list` lists them"
        )
    }

    private static func list(_ names: [String]) -> String {
        let rest = names.count - maximumListed
        return names.prefix(maximumListed).joined(separator: ", ") + (rest > 0 ? " and \(rest) more" : "")
    }
}
