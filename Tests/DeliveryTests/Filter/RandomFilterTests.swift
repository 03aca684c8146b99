import Delivery
import Foundation
import StreamCore
import TestSupport
import Testing

struct RandomFilterTests {
    @Test(arguments: 0..<20)
    func `random filters select what a naive reading of them does`(run: Int) throws {
        var json = RandomJSON(seed: UInt64(run))
        var selected = 0
        for _ in 0..<25 {
            let patterns = (0..<Int.random(in: 1...3, using: &json.random)).map { _ in json.pattern() }
            let payloads = (0..<20).map { _ in
                Int.random(in: 0..<20, using: &json.random) == 0 ? "no JSON" : json.payload()
            }
            let naive = try NaiveFilter(patterns)
            let wanted = payloads.enumerated().compactMap { index, payload -> UInt64? in
                let value = try? JSONSerialization.jsonObject(
                    with: Data(payload.utf8),
                    options: .fragmentsAllowed
                )
                return naive.matches(key: "key-\(index + 1)", payload: value) ? UInt64(index + 1) : nil
            }

            let found = try RecordFilter(patterns: patterns).select(RecordBatch.payloads(payloads).all)
                .numbers

            for number in Set(found).symmetricDifference(wanted) {
                Issue.record("seed \(run): \(patterns) on \(payloads[Int(number) - 1])")
            }
            selected += found.count
        }
        // Neither everything nor nothing, or this tests little.
        #expect((25...475).contains(selected), "seed \(run)")
    }

    @Test(arguments: 0..<20)
    func `broken payloads are looked at within their bounds`(run: Int) throws {
        var json = RandomJSON(seed: UInt64(1_000 + run))
        for _ in 0..<20 {
            let payloads = (0..<20).map { _ in json.broken(json.payload()) }
            let filter = try RecordFilter(patterns: [json.pattern(), #"{"data":{"a":[{"exists":true}]}}"#])

            let together = filter.select(RecordBatch.payloads(payloads).all).numbers

            // A record alone ends where the memory does, and in a batch where the next one's key starts.
            for (index, payload) in payloads.enumerated() {
                let batch = RecordBatch.payloads(Array(repeating: [], count: index) + [payload])
                let alone = filter.select(RecordSelection(batch: batch, indices: .list([UInt32(index)])))
                #expect(alone.isEmpty != together.contains(UInt64(index + 1)), "seed \(run): \(payload)")
            }
        }
    }

    @Test(arguments: 0..<20)
    func `broken patterns are refused or compiled, and nothing else`(run: Int) {
        var json = RandomJSON(seed: UInt64(2_000 + run))
        let records = RecordBatch.payloads((0..<5).map { _ in json.payload() }).all
        for _ in 0..<200 {
            let pattern = String(decoding: json.broken(json.pattern()), as: UTF8.self)
            do throws(InvalidFilter) {
                let filter = try RecordFilter(patterns: [pattern])
                #expect(filter.select(records).count <= records.count)
            } catch {
                #expect(!error.problems.isEmpty)
            }
        }
    }
}
