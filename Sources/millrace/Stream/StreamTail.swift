import ArgumentParser
import Foundation

struct StreamTail: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tail",
        abstract: "Prints the payload of each new record, one a line, until interrupted."
    )

    @Argument(help: "The stream's name.")
    var name: String

    @Flag(help: "Begin with the oldest record kept.")
    var fromStart = false

    @Flag(help: "Begin with the oldest record kept, and end once every shard has been read to its tip.")
    var once = false

    @OptionGroup var host: HostOptions

    func run() async throws {
        let client = try host.client()
        var iterators: [String: String] = [:]
        for shard in try await client.shards(of: name) {
            let answer = try await client.kinesis(
                "GetShardIterator",
                [
                    "StreamName": name, "ShardId": shard.id,
                    "ShardIteratorType": fromStart || once ? "TRIM_HORIZON" : "LATEST",
                ]
            )
            iterators[shard.id] = answer["ShardIterator"] as? String
        }
        while !iterators.isEmpty {
            var isIdle = true
            for (shard, iterator) in iterators.sorted(by: { $0.key < $1.key }) {
                let answer = try await client.kinesis("GetRecords", ["ShardIterator": iterator])
                let records = answer["Records"] as? [[String: Any]] ?? []
                for record in records { try print(record) }
                if !records.isEmpty { isIdle = false }
                let isAtTip = answer["MillisBehindLatest"] as? Int == 0
                iterators[shard] = once && isAtTip ? nil : answer["NextShardIterator"] as? String
            }
            if isIdle, !iterators.isEmpty { try await Task.sleep(for: .milliseconds(200)) }
        }
    }

    private func print(_ record: [String: Any]) throws {
        guard let text = record["Data"] as? String, var data = Data(base64Encoded: text) else { return }
        data.append(UInt8(ascii: "\n"))
        try FileHandle.standardOutput.write(contentsOf: data)
    }
}
