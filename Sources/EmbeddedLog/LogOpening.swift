import Foundation
import StreamCore

/// Finds the streams in a log's directory and recovers their shards.
struct LogOpening {
    static let streamSuffix = ".stream"
    /// Appended to the folder of a stream while it is made.
    static let unfinishedSuffix = ".unfinished"
    /// Appended to the folder of a stream while it is removed.
    static let deletedSuffix = ".deleted"

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
        var streams: [EmbeddedStream] = []
        for name in try SystemFiles.names(in: directory) ?? [] {
            let path = "\(directory)/\(name)"
            if name.hasSuffix(Self.unfinishedSuffix) || name.hasSuffix(Self.deletedSuffix) {
                try removeDirectory(path)
            } else if name.hasSuffix(Self.streamSuffix) {
                streams.append(try openStream(in: path, notes: notes))
            }
        }
        if !environment.isDurable, !mustJump { try marker.set() }
        return streams
    }

    private func openStream(in path: String, notes: ShardLog.RecoveryNotes) throws -> EmbeddedStream {
        let description = try StreamDescription.load(from: path)
        let shards = try description.shards.map { shard in
            let log = try ShardLog.recovered(
                stream: description.name,
                numbers: shard.numbers,
                directory: "\(path)/\(ShardID(number: shard.number))",
                environment: environment,
                notes: notes
            )
            if shard.endingSequenceNumber != nil { log.announceEnd() }
            return log
        }
        do {
            return try EmbeddedStream(
                description: description,
                directory: path,
                shards: shards,
                environment: environment
            )
        } catch let error as InvalidHashKeys {
            throw StreamFileMalformed(file: "\(path)/\(StreamDescription.fileName)", cause: error)
        }
    }
}

/// Removes a directory with everything in it.
func removeDirectory(_ path: String) throws {
    guard FileManager.default.fileExists(atPath: path) else { return }
    try FileManager.default.removeItem(atPath: path)
}
