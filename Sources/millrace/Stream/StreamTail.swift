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
        let listed = try await client.shards(of: name)
        var iterators: [String: String] = [:]
        var ended = Set(isFromOldest ? [] : listed.filter { !$0.isOpen }.map(\.id))
        // Of a stream that was resharded, the parents come before the children that took their place.
        for shard in listed where isFromOldest ? shard.parents.isEmpty : shard.isOpen {
            iterators[shard.id] = try await iterator(
                of: shard.id,
                isFromOldest ? "TRIM_HORIZON" : "LATEST",
                client
            )
        }
        while !iterators.isEmpty {
            var isIdle = true
            for (shard, iterator) in iterators.sorted(by: { $0.key < $1.key }) {
                let answer = try await client.kinesis("GetRecords", ["ShardIterator": iterator])
                let records = answer["Records"] as? [[String: Any]] ?? []
                for record in records { try print(record) }
                if !records.isEmpty { isIdle = false }
                let next = answer["NextShardIterator"] as? String
                let isAtTip = answer["MillisBehindLatest"] as? Int == 0
                iterators[shard] = once && isAtTip ? nil : next
                guard next == nil else { continue }
                ended.insert(shard)
                for child in children(in: answer) where ended.isSuperset(of: child.parents) {
                    isIdle = false
                    iterators[child.id] = try await self.iterator(of: child.id, "TRIM_HORIZON", client)
                }
            }
            if isIdle, !iterators.isEmpty { try await Task.sleep(for: .milliseconds(200)) }
        }
    }

    private var isFromOldest: Bool { fromStart || once }

    private func iterator(of shard: String, _ type: String, _ client: HostClient) async throws -> String? {
        let request = ["StreamName": name, "ShardId": shard, "ShardIteratorType": type]
        return try await client.kinesis("GetShardIterator", request)["ShardIterator"] as? String
    }

    /// The shards that took the place of one that has ended.
    private func children(in answer: [String: Any]) -> [(id: String, parents: [String])] {
        (answer["ChildShards"] as? [[String: Any]] ?? []).compactMap { child in
            guard let id = child["ShardId"] as? String else { return nil }
            return (id, child["ParentShards"] as? [String] ?? [])
        }
    }

    private func print(_ record: [String: Any]) throws {
        guard let text = record["Data"] as? String, var data = Data(base64Encoded: text) else { return }
        data.append(UInt8(ascii: "\n"))
        try FileHandle.standardOutput.write(contentsOf: data)
    }
}
