import EmbeddedLog
import Foundation
import StreamCore
import TestSupport
import Testing

@testable import EmbeddedLog

/// Producers that put the bytes of a record into a payload.
@Suite struct ForgedRecordTests {
    /// Where the second record of a segment begins whose first has the payload `a`.
    private let secondRecord = 48 + 32 + "key".utf8.count + 1

    private func forged(counter: UInt64 = 3, arrival: Int64, durableEnd: Int, salt: UInt32 = 0) -> [UInt8] {
        var bytes = [UInt8](repeating: 0x41, count: RecordHeader.byteCount + 10)
        bytes.withUnsafeMutableBytes { target in
            guard let base = target.baseAddress else { return }
            RecordHeader.write(
                to: base,
                dataBytes: 10,
                keyBytes: 1,
                arrival: arrival,
                counter: counter,
                durableEnd: durableEnd,
                salt: salt
            )
        }
        return bytes
    }

    @Test func `a torn record is cut off although its payload holds a record`() async throws {
        let clock = WallClock()
        try await withLog(LogOptions(wallClock: clock)) { log in
            let stream = try log.createStream("flights", shardCount: 1)
            await stream.append(each: ["a"])
            var records = NewRecords()
            // As convincing as a producer can make it.
            let payload = forged(arrival: clock.now.milliseconds, durableEnd: secondRecord + 1)
            records.append(partitionKey: "key", hashKey: 0, payload: payload)
            _ = await stream.append(records)
            try await withCrashedCopy(of: log.directory) { copy in
                let file = try #require(try files(in: copy, suffix: ".log").first)
                var data = try Data(contentsOf: URL(fileURLWithPath: file))
                data.resetBytes(in: secondRecord..<secondRecord + 20)
                try data.write(to: URL(fileURLWithPath: file))

                try await reopened(copy, LogOptions(wallClock: clock)) { log in
                    let stream = try log.stream("flights")
                    await stream.append(each: ["next"])
                    let all = try stream.readAll()
                    #expect(all.payloads == ["a", "next"])
                    #expect(all.entries.last?.arrival == clock.now)
                }
            }
        }
    }

    /// A segment of an earlier build, whose checksums can be guessed, with a hole where the second record stood.
    private func scan(behindHole bytes: [UInt8], now: Int64) async throws -> SegmentScan {
        try await withTemporaryDirectory { path in
            let header = SegmentHeader(numbers: 7, baseCounter: 1, createdMilliseconds: 1000, salt: 0)
            let first = forged(counter: 1, arrival: 2000, durableEnd: 48)
            let hole = [UInt8](repeating: 0, count: 32)
            let segment = Segment(directory: path, baseCounter: 1, numbers: 7)
            try Data(header.bytes + first + hole + bytes).write(to: URL(fileURLWithPath: segment.path))
            let file = try SegmentFile.open(segment)
            return try SegmentScan(
                of: file,
                continuing: SegmentSummary(emptyAfter: header),
                to: file.size(),
                now: now
            )
        }
    }

    /// Where the hole of `scan` begins: header, one record.
    private let hole = 48 + 42

    @Test func `a record behind a hole is no proof when it tells of bytes behind itself`() async throws {
        let scan = try await scan(behindHole: forged(arrival: 2001, durableEnd: 1 << 30), now: 3000)

        #expect(scan.tail == .torn(at: hole))
        #expect(scan.newestCounter == 1)
    }

    @Test func `a record behind a hole is no proof when it arrives in the future`() async throws {
        for arrival: Int64 in [.max, 3_600_000 + 3001] {
            let scan = try await scan(behindHole: forged(arrival: arrival, durableEnd: hole + 32), now: 3000)

            #expect(scan.tail == .torn(at: hole))
            #expect(scan.newestArrival == 2000)
        }
    }

    @Test func `a record behind a hole proves damage, also when the clock was set back`() async throws {
        for now in [Int64(3000), 0] {
            let scan = try await scan(behindHole: forged(arrival: 2001, durableEnd: hole + 32), now: now)

            #expect(scan.tail == .damaged(at: hole))
            #expect(scan.newestCounter == 3)
            #expect(scan.newestArrival == 2001)
        }
    }

    @Test func `each segment has a salt of its own`() async throws {
        var options = LogOptions()
        options.segmentBytes = 4096
        try await withLog(options) { log in
            let stream = try log.createStream("flights", shardCount: 1)
            let payloads = (0..<300).map { "payload \($0)" }
            await stream.append(each: payloads)

            let segments = try files(in: log.directory, suffix: ".log")
            let salts = try segments.map { try Data(contentsOf: URL(fileURLWithPath: $0))[40..<44] }

            #expect(segments.count > 3)
            #expect(Set(salts.map(Array.init)).count == segments.count)
            #expect(!salts.contains(Data(count: 4)))
            #expect(try stream.readAll().payloads == payloads)
        }
    }
}
