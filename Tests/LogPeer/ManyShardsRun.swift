import EmbeddedLog
import Foundation
import Logging
import StreamCore

/// Says what a stream of many shards takes of the machine.
struct ManyShardsRun {
    let directory: String
    let count: Int
    let logger: Logger

    func run() async throws {
        var cost = ProcessCost.now
        func report(_ step: String) {
            let now = ProcessCost.now
            let parts = [
                (now.time - cost.time) / .milliseconds(1), now.cpuMilliseconds - cost.cpuMilliseconds,
                Double(now.residentKibibytes), Double(now.openFiles),
            ]
            say("\(step) " + parts.map { String(Int($0)) }.joined(separator: " "))
            cost = now
        }

        report("begun")
        var log = try EmbeddedLog.open(directory: directory, logger: logger)
        try log.createStream("flights", shardCount: count / 2)
        report("made")
        try await log.stream("flights").scale(to: count)
        report("doubled")
        let middle = try log.stream("flights").listShards()[count]
        try await log.stream("flights").split(middle.id, at: middle.hashKeyRange.end)
        report("split")
        log.close()
        report("closed")

        log = try EmbeddedLog.open(directory: directory, logger: logger)
        report("opened")
        await log.enforceRetention(now: Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)))
        report("kept")
        try await read(log.stream("flights"), report)
        log.close()
    }

    /// A reader at each shard, which waits once until there is nothing to wait for any more.
    private func read(_ stream: EmbeddedStream, _ report: (String) -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for shard in try stream.listShards() where shard.isOpen {
                let reader = try await stream.reader(of: shard.id, from: .trimHorizon)
                group.addTask { _ = try await reader.read(maxRecords: 1, maxBytes: 1, wait: .seconds(5)) }
            }
            try await group.waitForAll()
        }
        report("waited")
    }
}

/// What the process takes of the machine.
private struct ProcessCost {
    let time: ContinuousClock.Instant
    let cpuMilliseconds: Double
    let residentKibibytes: Int
    let openFiles: Int

    static var now: ProcessCost {
        var cpu = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu)
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let resident = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        let words = resident?.split(whereSeparator: \.isWhitespace) ?? []
        let files = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
        return ProcessCost(
            time: .now,
            cpuMilliseconds: Double(cpu.tv_sec) * 1000 + Double(cpu.tv_nsec) / 1e6,
            residentKibibytes: words.count > 1 ? Int(words[1]) ?? 0 : 0,
            openFiles: files?.count ?? 0
        )
    }
}
