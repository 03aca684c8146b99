/// The parts of an ARN: `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`.
struct ARN {
    let partition: String
    let region: String
    let account: String
    let resource: String

    /// - Returns: `nil` when it has fewer parts.
    init?(_ text: String) {
        let fields = text.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false).map(
            String.init
        )
        guard fields.count == 6, fields[0] == "arn" else { return nil }
        (partition, region, account, resource) = (fields[1], fields[3], fields[4], fields[5])
    }

    /// A queue or topic that keeps the order within a group and drops what it has had before.
    var isFIFO: Bool { resource.hasSuffix(".fifo") }
}
