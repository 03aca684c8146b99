import EmbeddedLog
import Foundation
import StreamCore
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5)))
struct FailureTests {
    private func options(_ files: FaultyFiles) -> LogOptions {
        var options = LogOptions()
        options.files = files.operations
        return options
    }

    /// Half of the records for each of two shards.
    private func records(_ payload: String) -> NewRecords {
        var records = NewRecords([payload + " left"])
        records.append(partitionKey: "key", hashKey: .max, payload: (payload + " right").utf8)
        return records
    }

    @Test(arguments: [0, 1, 40])
    func `a full disk fails the shard that meets it and harms no stored record`(written: Int) async throws {
        let disk = FaultyFiles()
        try await withLog(options(disk)) { log in
            let stream = try log.createStream("flights", shardCount: 2)
            #expect(await stream.append(records("first")).isComplete)

            disk.failWrites(ENOSPC, path: "shardId-000000000000", after: written)
            let result = await stream.append(records("second"))

            let failure = try #require(result.failure(at: 0) as? LogFileFailure)
            #expect(failure.errno == ENOSPC)
            #expect(failure.file.hasSuffix("shardId-000000000000/00000000000000000001.log"))
            #expect(failure.description.hasSuffix("failed: No space left on device (28)"))
            #expect(result.failure(at: 1) == nil)

            disk.heal()
            #expect(await stream.append(records("third")).isComplete)
            let right = ShardID(number: 1)
            #expect(try stream.readAll().payloads == ["first left", "third left"])
            #expect(try stream.readAll(right).payloads == ["first right", "second right", "third right"])
            try await withCrashedCopy(of: log.directory) { copy in
                try await reopened(copy) { log in
                    let read = try log.payloads()
                    #expect(read == ["first left", "third left"])
                }
            }
        }
    }

    @Test func `a record is not acknowledged and not read when its sync fails`() async throws {
        let disk = FaultyFiles()
        try await withLog(options(disk)) { log in
            let stream = try log.createStream("flights", shardCount: 1)
            await stream.append(each: ["a"])

            disk.failSyncs(EIO)
            let result = await stream.append(NewRecords(["b"]))

            #expect((result.failure(at: 0) as? LogFileFailure)?.errno == EIO)
            #expect(try stream.readAll().payloads == ["a"])

            disk.heal()
            await stream.append(each: ["c"])
            #expect(try stream.readAll().payloads == ["a", "c"])
            try await withCrashedCopy(of: log.directory) { copy in
                try await reopened(copy) { log in
                    let read = try log.payloads()
                    #expect(read == ["a", "c"])
                }
            }
        }
    }

    @Test func `a shard whose first segment cannot be made starts when it can`() async throws {
        let disk = FaultyFiles()
        try await withLog(options(disk)) { log in
            let stream = try log.createStream("flights", shardCount: 1)

            disk.failWrites(ENOSPC, path: ".log", after: 10)
            #expect(!(await stream.append(NewRecords(["a"])).isComplete))

            disk.heal()
            #expect(await stream.append(NewRecords(["b"])).isComplete)
            #expect(try stream.readAll().payloads == ["b"])
        }
    }

    /// Stores the first record of a relaxed log, and waits until its segment has been synced twice: with its header, and with the
    /// record, for which no sync is due any more.
    private func appendFirst(_ payload: String, to stream: EmbeddedStream, on disk: FaultyFiles) async {
        await stream.append(each: [payload])
        await disk.synced.wait { $0.count { $0.hasSuffix(".log") } == 2 }
    }

    @Test func `a relaxed log takes nothing more until what it could not sync is safe`() async throws {
        let disk = FaultyFiles()
        var options = options(disk)
        options.durability = .relaxed
        try await withLog(options) { log in
            let stream = try log.createStream("flights", shardCount: 1)
            await appendFirst("a", to: stream, on: disk)

            disk.failSyncs(EIO)
            #expect(await stream.append(NewRecords(["b"])).isComplete)
            await disk.failures.wait(for: 1)
            var refused = await stream.append(NewRecords(["c"]))
            // Some may be written before the failure is noticed.
            while refused.isComplete { refused = await stream.append(NewRecords(["c"])) }
            #expect((refused.failure(at: 0) as? LogFileFailure)?.errno == EIO)

            disk.heal()
            let result = await stream.append(NewRecords(["e"]))
            #expect(result.isComplete)
            #expect(try stream.readAll().payloads.first == "a")
            #expect(try stream.readAll().payloads.last == "e")
            #expect(try stream.readAll().payloads[1] == "b")
        }
    }

    @Test func `a relaxed log syncs soon after each append`() async throws {
        let disk = FaultyFiles()
        var options = options(disk)
        options.durability = .relaxed
        try await withLog(options) { log in
            let stream = try log.createStream("flights", shardCount: 1)
            disk.failSyncs(EIO, path: "shardId-000000000000/00000000000000000001.log")
            // The header of the segment is synced at once, whatever the durability.
            #expect(!(await stream.append(NewRecords(["a"])).isComplete))
            disk.heal()
            await appendFirst("a", to: stream, on: disk)
            disk.failSyncs(EIO)

            await stream.append(each: ["b"])

            // Arrives without another append.
            await disk.failures.wait(for: 2)
            disk.heal()
        }
    }

    @Test func `appends that wait for a sync share the next one`() async throws {
        let disk = FaultyFiles()
        var options = options(disk)
        let (entered, gate) = (Recorder<Int>(), BlockingGate())
        let sync = options.files.sync
        options.files.sync = { descriptor, path throws(LogFileFailure) in
            if gate.isArmed {
                entered.append(1)
                gate.pass()
            }
            try sync(descriptor, path)
        }
        try await withLog(options) { log in
            let stream = try log.createStream("flights", shardCount: 1)
            await stream.append(each: ["first"])
            let before = disk.syncCount
            gate.close()
            let held = Task { await stream.append(NewRecords(["held"])) }
            await entered.wait(for: 1)
            let others = (0..<50).map { number in Task { await stream.append(NewRecords(["\(number)"])) } }
            while stream.pendingAppends < 50 { await Task.yield() }

            gate.open()
            #expect(await held.value.isComplete)
            for other in others { #expect(await other.value.isComplete) }

            #expect(disk.syncCount == before + 2)
            #expect(try stream.readAll().count == 52)
        }
    }

    @Test(.enabled(if: geteuid() == 0, "mounting a small file system needs root"))
    func `a file system that runs full loses nothing that was acknowledged`() async throws {
        try await withTemporaryDirectory { path in
            try #require(run("mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", path))
            defer { run("umount", "-l", path) }
            let filler = path + "/filler"
            try Data(count: 200_000).write(to: URL(fileURLWithPath: filler))
            var acknowledged: [String] = []
            try await reopened(path) { log in
                let stream = try log.createStream("flights", shardCount: 1)
                var failures = 0
                for number in 0..<2000 where failures < 3 {
                    let payload = "\(number) " + String(repeating: "x", count: 700)
                    let result = await stream.append(NewRecords([payload]))
                    if let failure = result.failure(at: 0) as? LogFileFailure {
                        #expect(failure.errno == ENOSPC)
                        failures += 1
                    } else {
                        acknowledged.append(payload)
                    }
                }
                #expect(failures == 3)
                #expect(try stream.readAll().payloads == acknowledged)

                try FileManager.default.removeItem(atPath: filler)
                await stream.append(each: ["after"])
                acknowledged.append("after")
                #expect(try stream.readAll().payloads == acknowledged)
            }
            try await reopened(path) { log in
                let read = try log.payloads()
                #expect(read == acknowledged)
            }
        }
    }

    @discardableResult
    private func run(_ command: String...) -> Bool {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        guard (try? process.start()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }
}
