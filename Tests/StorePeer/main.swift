import Foundation
import SQLiteStore
import StreamCore
import Synchronization

/// Another process on a data directory, for tests of what processes do to each other.
///
/// Each line it prints is one write.
///
/// - `write DIRECTORY MAPPING SHARD`: prints `ready`, waits for a line of input, acquires the shard's lease, and moves its
///   checkpoint from 1 on, each waiting for the one before, until its input ends. Prints `SHARD NUMBER` every 50, and at the
///   end `SHARD done NUMBER WORST`, the longest wait in milliseconds.
/// - `renew DIRECTORY MAPPING FIRST COUNT ROUNDS`: prints `ready`, waits for the end of its input, acquires COUNT leases from
///   that of shard FIRST on, and then, round after round without a pause, reads all of the mapping's leases and renews its
///   own, while it moves checkpoints of four of them. Prints `FIRST done WORST MEDIAN WORK`: the longest time from one renewal
///   to the next, the median of the renewals themselves, and that of the CPU time from one renewal to the next, in
///   milliseconds. A lost lease ends it with exit code 3.
/// - `measure DIRECTORY COUNT`: makes COUNT leases in a fresh directory and prints how long it takes to renew and to read them.
/// - `fail DIRECTORY MAPPING FIRST`: acquires the lease of shard 0, whoever has it, and commits numbers from FIRST on until it
///   is killed, each as the checkpoint and as the window's state; every third one is a failure too. Prints each number.
/// - `hold DIRECTORY ADDRESS`: serves the directory until its input ends. Prints `ready`.
let arguments = CommandLine.arguments

func say(_ line: String) {
    FileHandle.standardOutput.write(Data("\(line)\n".utf8))
}

/// The store for tests in which a process may pause at any place, for longer than one in use would be waited for.
func patientStore(_ directory: String) throws -> SQLiteLeaseStore {
    SQLiteLeaseStore(try SQLiteDatabase(directory: directory, longestWait: .seconds(600)))
}

func waitForEndOfInput() {
    while readLine() != nil {}
}

switch arguments.dropFirst().first {
case "write" where arguments.count == 5:
    let store = try patientStore(arguments[2])
    let mapping = MappingID(unchecked: arguments[3])
    let shard = Int(arguments[4]) ?? 0
    let inputEnds = Atomic(false)
    say("ready")
    guard readLine() != nil else { exit(1) }
    Thread.detachNewThread {
        waitForEndOfInput()
        inputEnds.store(true, ordering: .relaxed)
    }

    let key = LeaseKey(mapping: mapping, shard: ShardID(number: shard))
    let worker = WorkerID(unchecked: "worker-\(shard)")
    guard let row = try await store.leases(of: mapping).first(where: { $0.key == key }),
        let lease = try await store.acquire(key, seen: row.counter, for: worker)
    else { exit(2) }
    var worst = Duration.zero
    var number: UInt64 = 0
    while !inputEnds.load(ordering: .relaxed) {
        number += 1
        let start = ContinuousClock.now
        try await store.checkpoint(lease, at: .at(SequenceNumber(integerLiteral: number)))
        worst = max(worst, .now - start)
        if number % 50 == 0 { say("\(shard) \(number)") }
    }
    say("\(shard) done \(number) \(worst.inMilliseconds)")

case "renew" where arguments.count == 7:
    let renewer = Renewer(
        store: try patientStore(arguments[2]),
        mapping: MappingID(unchecked: arguments[3]),
        first: Int(arguments[4]) ?? 0,
        count: Int(arguments[5]) ?? 1
    )
    say("ready")
    waitForEndOfInput()
    let times = try await renewer.run(rounds: Int(arguments[6]) ?? 1)
    say(
        "\(arguments[4]) done \(times.worstGap.inMilliseconds) \(times.medianRenewal.inMilliseconds) "
            + "\(times.medianWork.inMilliseconds)"
    )

case "measure" where arguments.count == 4:
    let database = try SQLiteDatabase(directory: arguments[2])
    try await LeaseTimes(database: database, count: max(1, Int(arguments[3]) ?? 1)).measure()

case "fail" where arguments.count == 5:
    let store = SQLiteLeaseStore(try SQLiteDatabase(directory: arguments[2]))
    let key = LeaseKey(mapping: MappingID(unchecked: arguments[3]), shard: ShardID(number: 0))
    guard let row = try await store.leases(of: key.mapping).first(where: { $0.key == key }),
        let lease = try await store.acquire(key, seen: row.counter, for: "worker")
    else { exit(2) }
    for number in (UInt64(arguments[4]) ?? 1)... {
        try await store.commit(.step(number, of: key), under: lease)
        say("\(number)")
    }

case "hold" where arguments.count == 4:
    let lock = try DataDirectoryLock(directory: arguments[2])
    try lock.publish(address: arguments[3])
    say("ready")
    waitForEndOfInput()
    withExtendedLifetime(lock) {}

default:
    FileHandle.standardError.write(Data("usage: store-peer write|renew|measure|fail|hold …\n".utf8))
    exit(64)
}

extension Duration {
    /// What this process has had of the CPUs.
    static var cpuTime: Duration {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }

    var inMilliseconds: Double { self / .milliseconds(1) }
}

extension ShardCommit {
    fileprivate static func step(_ number: UInt64, of key: LeaseKey) -> ShardCommit {
        let window = WindowProgress(
            start: Timestamp(milliseconds: 0),
            end: Timestamp(milliseconds: 60_000),
            state: Array("\(number)".utf8)
        )
        return ShardCommit(
            checkpoint: .at(SequenceNumber(integerLiteral: number)),
            progress: .set(ShardProgress(window: window)),
            failures: number.isMultiple(of: 3) ? [.of(number, key)] : []
        )
    }
}

extension BatchFailure {
    fileprivate static func of(_ number: UInt64, _ key: LeaseKey) -> BatchFailure {
        let time = Timestamp(milliseconds: 1)
        let record = SequenceNumber(integerLiteral: number)
        return BatchFailure(
            id: "failure-\(number)",
            mapping: key.mapping,
            shard: key.shard,
            streamARN: "arn:aws:kinesis:us-east-1:000000000000:stream/first",
            functionARN: "arn:aws:lambda:us-east-1:000000000000:function:orders",
            condition: .retryAttemptsExhausted,
            invokeCount: 1,
            requestID: "request",
            response: nil,
            records: Records(count: 1, first: record, last: record, firstArrival: time, lastArrival: time),
            time: time,
            // Some pages.
            event: [UInt8](repeating: UInt8(ascii: " "), count: 20_000),
            logTail: "",
            target: nil
        )
    }
}
