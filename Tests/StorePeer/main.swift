import Foundation
import SQLiteStore
import StreamCore

/// Another process on a data directory, for tests of what processes do to each other.
///
/// Each line it prints is one write.
///
/// - `write DIRECTORY MAPPING SHARD COUNT`: prints `ready`, waits for the end of its input, acquires the shard's lease,
///   and moves its checkpoint from 1 to COUNT, each waiting for the one before. Prints `SHARD NUMBER` every 50, and at the
///   end `SHARD done WORST`, the longest wait in milliseconds.
/// - `hold DIRECTORY ADDRESS`: serves the directory until its input ends. Prints `ready`.
let arguments = CommandLine.arguments

func say(_ line: String) {
    FileHandle.standardOutput.write(Data("\(line)\n".utf8))
}

func waitForEndOfInput() {
    while readLine() != nil {}
}

switch arguments.dropFirst().first {
case "write" where arguments.count == 6:
    let store = SQLiteLeaseStore(try SQLiteDatabase(directory: arguments[2]))
    let mapping = MappingID(unchecked: arguments[3])
    let shard = Int(arguments[4]) ?? 0
    say("ready")
    waitForEndOfInput()

    let key = LeaseKey(mapping: mapping, shard: ShardID(number: shard))
    let worker = WorkerID(unchecked: "worker-\(shard)")
    guard let row = try await store.leases(of: mapping).first(where: { $0.key == key }),
        let lease = try await store.acquire(key, seen: row.counter, for: worker)
    else { exit(2) }
    var worst = Duration.zero
    for number in 1...(UInt64(arguments[5]) ?? 1) {
        let start = ContinuousClock.now
        try await store.checkpoint(lease, at: .at(SequenceNumber(integerLiteral: number)))
        worst = max(worst, .now - start)
        if number % 50 == 0 { say("\(shard) \(number)") }
    }
    say(
        "\(shard) done \(Double(worst.components.attoseconds) / 1e15 + Double(worst.components.seconds) * 1000)"
    )

case "hold" where arguments.count == 4:
    let lock = try DataDirectoryLock(directory: arguments[2])
    try lock.publish(address: arguments[3])
    say("ready")
    waitForEndOfInput()
    withExtendedLifetime(lock) {}

default:
    FileHandle.standardError.write(Data("usage: store-peer write|hold …\n".utf8))
    exit(64)
}
