import Foundation
import Testing

extension EndToEnd {
    @Suite struct ReshardCommandTests {
        @Test func `a stream is split, merged and scaled by command, and read from parent to child`()
            async throws
        {
            try await HostFolders.withFresh { folders in
                try await HostProcess.withHost(in: folders) { host in
                    let file = folders.root + "/order.jsonl"
                    func put(_ order: Int) async throws {
                        let line = #"{"customer":"a","order":\#(order)}"# + "\n"
                        try line.write(toFile: file, atomically: true, encoding: .utf8)
                        try await host.millrace(
                            "stream",
                            "put",
                            "orders",
                            file,
                            "--partition-key",
                            "customer"
                        )
                    }
                    try await host.millrace("stream", "create", "orders", "--shards", "1")

                    try await put(1)
                    let halves = try await host.millrace("stream", "split", "orders", "0")
                    #expect(halves == "shardId-000000000001\nshardId-000000000002\n")
                    try await put(2)
                    let whole = try await host.millrace(
                        "stream",
                        "merge",
                        "orders",
                        "shardId-000000000002",
                        "1"
                    )
                    #expect(whole == "shardId-000000000003\n")
                    try await put(3)
                    try await host.millrace("stream", "scale", "orders", "2")
                    try await put(4)

                    let printed = try await host.millrace("stream", "tail", "orders", "--once")
                    #expect(
                        printed.split(separator: "\n").map(String.init)
                            == (1...4).map { #"{"customer":"a","order":\#($0)}"# }
                    )
                    let described = try await host.millrace("stream", "describe", "orders")
                    let rows = described.split(separator: "\n").map { $0.split(separator: " ") }
                    #expect(rows.filter { $0.contains("closed") }.count == 4)
                    #expect(rows.filter { $0.contains("open") }.count == 2)
                    #expect(described.contains("  shardId-000000000002, shardId-000000000001\n"))
                }
            }
        }
    }
}
