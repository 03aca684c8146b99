import EmbeddedLog
import Foundation
import Logging

/// Another process with a log, for tests of what is left when it is killed and of what it takes of the machine.
///
/// - `reshard DIRECTORY DURABILITY STEP`: makes a stream, then splits, merges and scales it, each while two producers append. Kills
///   itself in place of the STEP-th call that brings something to the disk; a write is carried out by half before. Prints
///   `put KEY NUMBER SHARD SEQUENCE` for each record that was acknowledged, `begin COUNT` before each reshard and `end COUNT`
///   after it, COUNT being the open shards that it leads to, and `done` at the end.
/// - `shards DIRECTORY COUNT`: makes a stream of half as many shards, doubles it, opens it anew and has a reader wait at each
///   shard. Prints `STEP MILLISECONDS CPU-MILLISECONDS KIBIBYTES FILES` after each.
let arguments = CommandLine.arguments
let logger = Logger(label: "peer") { _ in SwiftLogNoOpLogHandler() }

switch arguments.dropFirst().first {
case "reshard" where arguments.count == 5:
    guard let durability = Durability(rawValue: arguments[3]), let step = Int(arguments[4]) else { exit(64) }
    try await ReshardRun(directory: arguments[2], durability: durability, step: step, logger: logger).run()

case "shards" where arguments.count == 4:
    guard let count = Int(arguments[3]) else { exit(64) }
    try await ManyShardsRun(directory: arguments[2], count: count, logger: logger).run()

default:
    FileHandle.standardError.write(Data("usage: log-peer reshard|shards …\n".utf8))
    exit(64)
}

func say(_ line: String) {
    FileHandle.standardOutput.write(Data("\(line)\n".utf8))
}
