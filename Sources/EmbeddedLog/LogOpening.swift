import Foundation
import Logging
import StreamCore

/// Finds the streams in a log's directory and recovers their shards.
struct LogOpening {
    static let streamSuffix = ".stream"
    /// Appended to the folder of a stream while it is made.
    static let unfinishedSuffix = ".unfinished"
    /// Appended to the folder of a stream while it is removed.
    static let deletedSuffix = ".deleted"
    /// Appended to the folder of a stream when there is a newer one of the same name.
    static let supersededSuffix = ".superseded"

    private struct Found {
        let path: String
        let description: StreamDescription

        /// Each stream of a name begins with larger sequence numbers than the one before.
        var age: (UInt32, Int64, UInt64) {
            (
                description.shards.map(\.createdSeconds).max() ?? 0, description.created.milliseconds,
                description.incarnation.value
            )
        }
    }

    private let directory: String
    private let environment: LogEnvironment
    private let marker: NumbersAtRisk

    init(directory: String, environment: LogEnvironment) {
        self.directory = directory
        self.environment = environment
        marker = NumbersAtRisk(directory: directory)
    }

    func run() throws -> [EmbeddedStream] {
        let mustJump = try marker.isSet
        let notes = ShardLog.RecoveryNotes(willCut: { try marker.set() }, mustJump: mustJump)
        var newest: [StreamName: Found] = [:]
        for name in try SystemFiles.names(in: directory) ?? [] {
            let path = "\(directory)/\(name)"
            if name.hasSuffix(Self.unfinishedSuffix) || name.hasSuffix(Self.deletedSuffix) {
                try removeDirectory(path)
            } else if name.hasSuffix(Self.streamSuffix) {
                let found = Found(path: path, description: try StreamDescription.load(from: path))
                guard let other = newest[found.description.name] else {
                    newest[found.description.name] = found
                    continue
                }
                let (older, newer) = found.age < other.age ? (found, other) : (other, found)
                try setAside(older, for: newer)
                newest[found.description.name] = newer
            }
        }
        let streams = try newest.values.map { try openStream($0, notes: notes) }
        if !environment.isDurable, !mustJump { try marker.set() }
        return streams
    }

    /// A power cut can bring back a stream whose making or removal was reported, when the directory could not be synced.
    private func setAside(_ older: Found, for newer: Found) throws {
        let path = older.path + Self.supersededSuffix
        environment.logger.warning(
            "older stream of the same name set aside",
            metadata: [
                "stream": "\(older.description.name)", "kept": "\(newer.path)", "set aside": "\(path)",
            ]
        )
        try SystemFiles.rename(older.path, to: path)
        try environment.options.files.syncDirectory(directory)
    }

    /// Removes the folders of shards that the stream has forgotten, and whose removal a crash or an error prevented.
    private func removeForgottenShards(of stream: Found) throws {
        let known = Set(stream.description.shards.map { "\(ShardID(number: $0.number))" })
        for name in try SystemFiles.names(in: stream.path) ?? [] where !known.contains(name) {
            // A folder with a later number is not one of the forgotten: the description is perhaps an old copy.
            guard let digits = name.split(separator: "-").last, let number = Int(digits),
                name == "\(ShardID(number: number))", number < stream.description.nextShardNumber
            else { continue }
            do {
                try removeDirectory("\(stream.path)/\(name)")
            } catch {
                environment.logger.warning(
                    "forgotten shard not removed",
                    metadata: [
                        "stream": "\(stream.description.name)", "shard": "\(name)", "error": "\(error)",
                    ]
                )
            }
        }
    }

    private func openStream(_ found: Found, notes: ShardLog.RecoveryNotes) throws -> EmbeddedStream {
        let path = found.path
        var description = found.description
        try removeForgottenShards(of: found)
        let shards = try description.shards.map { shard in
            try ShardLog.recovered(
                stream: description.name,
                numbers: shard.numbers,
                directory: "\(path)/\(ShardID(number: shard.number))",
                environment: environment,
                notes: notes
            )
        }
        for (index, log) in shards.enumerated() {
            guard let end = description.shards[index].endingSequenceNumber else { continue }
            log.announceEnd()
            // A reshard that was reported as failed, and whose parents then took more records, may be on disk for all that. No
            // child of it has a record: it is finished here.
            description.shards[index].endingSequenceNumber = max(end, log.newestNumber)
        }
        return EmbeddedStream(
            description: description,
            directory: path,
            shards: shards,
            environment: environment
        )
    }
}

/// Removes a directory with everything in it.
func removeDirectory(_ path: String) throws {
    guard FileManager.default.fileExists(atPath: path) else { return }
    try FileManager.default.removeItem(atPath: path)
}
