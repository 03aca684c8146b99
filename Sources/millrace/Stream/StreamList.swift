import ArgumentParser

struct StreamList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "Lists the streams.")

    @OptionGroup var host: HostOptions

    func run() async throws {
        let client = try host.client()
        var table = Table("STREAM", "STATUS", "SHARDS", "RETENTION")
        var next: [String: Any] = [:]
        while true {
            let answer = try await client.kinesis("ListStreams", next)
            for name in answer["StreamNames"] as? [String] ?? [] {
                let answer = try await client.kinesis("DescribeStreamSummary", ["StreamName": name])
                let summary = answer["StreamDescriptionSummary"] as? [String: Any] ?? [:]
                table.add(
                    name,
                    summary["StreamStatus"] as? String ?? "",
                    "\(summary["OpenShardCount"] as? Int ?? 0)",
                    "\(await client.retention(of: name, summary))"
                )
            }
            guard answer["HasMoreStreams"] as? Bool == true, let token = answer["NextToken"] else { break }
            next = ["NextToken": token]
        }
        table.print()
    }
}
