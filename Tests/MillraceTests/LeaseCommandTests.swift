import ArgumentParser
import ManagementAPI
import Testing

@testable import millrace

@Suite struct LeaseCommandTests {
    private static let first = "6f1ed0c6-3b9a-4a6b-8a1f-1c2d3e4f5a6b"
    private static let second = "6f2ed0c6-3b9a-4a6b-8a1f-1c2d3e4f5a6b"
    private let leases = [
        summary("counts", first, "shardId-000000000000"), summary("counts", first, "shardId-000000000001"),
        summary("alerts", second, "shardId-000000000000"),
    ]

    @Test(arguments: [
        ("counts/shardId-000000000000", 0), ("\(first)/shardId-000000000001", 1), ("shardId-000000000001", 1),
        ("alerts/shardId-000000000000", 2),
    ])
    func `a lease is named by function or mapping and shard, or by a shard that only one has`(
        text: String,
        index: Int
    ) throws {
        #expect(try LeaseReference(text: text).find(in: leases) == leases[index])
    }

    @Test func `a shard of several mappings is refused with what it may mean`() {
        let failure = #expect(throws: CommandFailure.self) {
            try LeaseReference(text: "shardId-000000000000").find(in: leases)
        }

        #expect(
            failure?.messages == [
                """
                shardId-000000000000 names 2 leases: \(Self.first)/shardId-000000000000, \
                \(Self.second)/shardId-000000000000
                """
            ]
        )
    }

    @Test func `a name of no lease is refused with what there is, and the nearest`() {
        let failure = #expect(throws: CommandFailure.self) {
            try LeaseReference(text: "alerts/shardId-00000000000").find(in: leases)
        }
        let many = (0..<12).map { Self.summary("f", Self.first, "shard-\($0)") }
        let far = #expect(throws: CommandFailure.self) { try LeaseReference(text: "?").find(in: many) }
        let none = #expect(throws: CommandFailure.self) { try LeaseReference(text: "a/b").find(in: []) }

        #expect(
            failure?.messages.first?.hasPrefix("there is no lease alerts/shardId-00000000000; there are ")
                == true
        )
        #expect(failure?.hint == "did you mean alerts/shardId-000000000000?")
        #expect(far?.messages.first?.hasSuffix("f/shard-9 and 2 more") == true)
        #expect(none?.messages == ["there is no lease a/b: there are no leases yet"])
    }

    @Test func `a worker is named in full, and a misspelt one brings the nearest`() throws {
        let workers = ["host-1-17-aaaa", "host-2-18-bbbb"].map(Self.worker)

        #expect(try WorkerReference(text: "host-1-17-aaaa").find(in: workers) == workers[0])
        let misspelt = #expect(throws: CommandFailure.self) {
            try WorkerReference(text: "host-1-17-aaab").find(in: workers)
        }
        let nobody = #expect(throws: CommandFailure.self) { try WorkerReference(text: "a").find(in: []) }

        #expect(misspelt?.hint == "did you mean host-1-17-aaaa?")
        #expect(
            misspelt?.messages == [
                "there is no worker host-1-17-aaab; there are host-1-17-aaaa, host-2-18-bbbb"
            ]
        )
        #expect(nobody?.messages == ["there is no worker a; no worker has reported itself"])
    }

    @Test func `the commands take their words and options`() throws {
        let list = try #require(
            try Millrace.parseAsRoot(["lease", "list", "--mapping", "counts"]) as? LeaseList
        )
        #expect(list.mapping == "counts")
        #expect(list.json == false)
        let release = try Millrace.parseAsRoot(["lease", "release", "counts/shard", "--endpoint", "http://h"])
        #expect((release as? LeaseRelease)?.lease == "counts/shard")
        #expect((release as? LeaseRelease)?.place.host.endpoint == "http://h")
        #expect(try Millrace.parseAsRoot(["lease", "why", "counts/shard", "--json"]) is LeaseWhy)
        #expect(try Millrace.parseAsRoot(["worker", "list"]) is WorkerList)
        let drain = try Millrace.parseAsRoot(["worker", "drain", "worker-a", "--no-wait"]) as? WorkerDrain
        #expect(drain?.worker == "worker-a")
        #expect(drain?.noWait == true)
        #expect(throws: (any Error).self) { try Millrace.parseAsRoot(["lease", "release"]) }
    }

    @Test func `a table of leases is named in place of a host`() throws {
        let store = ["--lease-store", "dynamodb://eu-west-1/app"]

        let why = try Millrace.parseAsRoot(["lease", "why", "counts/shard"] + store) as? LeaseWhy
        #expect(why?.place.leaseStore?.description == "dynamodb://eu-west-1/app")
        for host in [["--data", "d"], ["--endpoint", "http://h"]] {
            #expect(throws: (any Error).self) { try Millrace.parseAsRoot(["worker", "list"] + store + host) }
        }
        let long = String(repeating: "a", count: 238)
        #expect(LeaseTable(argument: "dynamodb://eu-west-1/\(long)") == nil)
    }

    private static func summary(_ function: String, _ mapping: String, _ shard: String) -> LeaseSummary {
        LeaseSummary(
            lease: "\(function)/\(shard)",
            function: function,
            mapping: mapping,
            stream: "flights",
            shard: shard,
            checkpoint: "TRIM_HORIZON",
            holder: nil,
            nextHolder: nil,
            state: "free",
            why: "free",
            unchangedSeconds: nil,
            iteratorAgeMilliseconds: nil,
            throughputKBps: nil
        )
    }

    private static func worker(_ name: String) -> WorkerSummary {
        WorkerSummary(
            worker: name,
            host: "host",
            processID: 1,
            started: "2026-01-01T00:00:00Z",
            state: .live,
            leases: 0,
            cpuPercent: nil,
            throughputKBps: nil
        )
    }
}
