import EmbeddedLog
import Foundation
import StreamCore
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(10)))
struct ReshardCrashTests {
    /// More calls than the peer ever makes.
    private static let stepLimit = 400

    @Test(arguments: Durability.allCases)
    func `a process killed at any step of a reshard leaves all of it or nothing, and every record`(
        durability: Durability
    ) async throws {
        var counts: Set<Int> = []
        for step in 1...Self.stepLimit {
            let isDone = try await withTemporaryDirectory { path in
                let lines = try await LogPeer.run(["reshard", "\(path)/log", durability.rawValue, "\(step)"])
                counts.insert(try await check("\(path)/log", lines, durability))
                return lines.last == "done"
            }
            guard !isDone else {
                #expect(step > 40)
                #expect(counts.isSuperset(of: [2, 3]))
                return
            }
        }
        Issue.record("the peer does not come to its end")
    }

    /// - Returns: How many shards are open.
    private func check(_ directory: String, _ lines: [String], _ durability: Durability) async throws -> Int {
        var options = LogOptions()
        options.durability = durability
        return try await reopened(directory, options) { log in
            guard let stream = try? log.stream("flights") else {
                #expect(lines.isEmpty)
                return 0
            }
            let reading = try StreamReading(of: stream)
            reading.expectWholeLineage()
            reading.expectOrder()

            let found = Set(reading.records)
            #expect(found.count == reading.records.count)
            for words in lines.map({ $0.split(separator: " ") }) where words[0] == "put" {
                let number = try #require(Int(words[2]))
                let shard = try #require(Int(words[3]))
                let record = StreamReading.Record(
                    key: String(words[1]),
                    number: number,
                    shard: ShardID(number: shard),
                    sequenceNumber: try #require(SequenceNumber(words[4]))
                )
                #expect(found.contains(record))
            }
            let open = reading.shards.count(where: \.isOpen)
            // The last that was said to have ended, or the one that had begun.
            let ended = lines.last { $0.hasPrefix("end ") }?.dropFirst(4)
            let begun = lines.last { $0.hasPrefix("begin ") }?.dropFirst(6)
            #expect([ended.map(String.init) ?? "2", begun.map(String.init) ?? "2"].contains("\(open)"))
            try await expectUsable(stream, reading)
            return open
        }
    }

    /// Takes records and reshards as if nothing had happened.
    private func expectUsable(_ stream: EmbeddedStream, _ reading: StreamReading) async throws {
        try await stream.scale(to: 4)
        var records = NewRecords()
        for quarter in 0..<4 {
            records.append(
                partitionKey: "9-\(quarter)",
                hashKey: UInt128(quarter) << 126,
                payload: "9 1".utf8
            )
        }
        let result = await stream.append(records)
        #expect(result.isComplete)
        for (quarter, entry) in result.entries.enumerated() {
            let before = reading.records.filter { $0.key.hasSuffix("-\(quarter)") }.map(\.sequenceNumber)
            #expect(before.allSatisfy { $0 < entry.sequenceNumber })
        }
        try StreamReading(of: stream).expectWholeLineage()
    }
}
