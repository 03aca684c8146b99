import Foundation
import StreamCore

/// How long records are kept.
package enum Retention: Hashable, Sendable {
    /// 1–8,760 hours, default 24.
    case hours(Int)
    /// Until the stream is deleted.
    case unlimited

    package static let standard = Retention.hours(24)
    package static let hourLimits = 1...8760

    /// `nil` for unlimited.
    var hours: Int? {
        guard case .hours(let hours) = self else { return nil }
        precondition(Self.hourLimits.contains(hours), "records are kept for 1 to 8,760 hours")
        return hours
    }

    var milliseconds: Int64? { hours.map { Int64($0) * 3_600_000 } }
}

/// How a stream says that its number of shards is chosen.
///
/// Only remembered: shards are as many as were asked for in both.
package enum StreamMode: String, Codable, Sendable {
    case provisioned = "PROVISIONED"
    case onDemand = "ON_DEMAND"
}

/// A stream as its file `stream.json` keeps it.
struct StreamDescription: Codable, Equatable, Sendable {
    static let fileName = "stream.json"

    var name: StreamName
    /// Tells this stream from a deleted one of the same name; 16 hex digits in the file.
    var incarnation: Incarnation
    var created: Timestamp
    /// `nil` for unlimited.
    var retentionHours: Int?
    var tags: [String: String]
    /// `nil`, as in files of before there were modes, is provisioned.
    var mode: StreamMode?
    /// By name; `nil`, as in files of before there were consumers, is none.
    var consumers: [StreamConsumer]?
    /// In the order of their numbers, parents before children.
    var shards: [ShardDescription]
    /// Also counts shards that have been forgotten: a number is never used twice.
    var nextShardNumber: Int

    struct Incarnation: Hashable, Sendable {
        let value: UInt64
    }

    /// The shards as everyone else sees them.
    var listing: [Shard] {
        let known = Set(shards.map(\.number))
        return shards.map { $0.shard(amongNumbers: known) }
    }

    /// Where records go: to the shards that are not closed.
    func routing(to logs: [ShardID: ShardLog]) -> RoutingTable {
        RoutingTable(
            shards.filter(\.isOpen).compactMap { shard in
                logs[ShardID(number: shard.number)].map { (shard.range, $0) }
            }
        )
    }

    /// In one step: a crash leaves the file as it was or as it shall be.
    func save(in directory: String, files: FileOperations) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        let bytes = try Array(encoder.encode(self))
        try SystemFiles.replaceContents(
            of: "\(directory)/\(Self.fileName)",
            with: bytes,
            isSynced: true,
            files: files
        )
    }

    static func load(from directory: String) throws -> StreamDescription {
        let file = "\(directory)/\(fileName)"
        let bytes = try SystemFiles.contents(of: file)
        do {
            return try JSONDecoder().decode(StreamDescription.self, from: Data(bytes))
        } catch {
            throw StreamFileMalformed(file: file, cause: error)
        }
    }
}

/// One shard of a stream, as its file keeps it.
struct ShardDescription: Equatable, Sendable {
    var number: Int
    /// When it was created; part of its sequence numbers.
    var createdSeconds: UInt32
    var range: HashKeyRange
    var parent: Int?
    var adjacentParent: Int?
    var endingSequenceNumber: SequenceNumber?
    var closed: Timestamp?

    var numbers: ShardNumbers { ShardNumbers(createdSeconds: createdSeconds, shard: number) }

    var isOpen: Bool { endingSequenceNumber == nil }

    /// - Parameter known: The shards that are still listed; a parent that is not is left out.
    func shard(amongNumbers known: Set<Int>) -> Shard {
        Shard(
            id: ShardID(number: number),
            hashKeyRange: range,
            parent: parent.flatMap { known.contains($0) ? ShardID(number: $0) : nil },
            adjacentParent: adjacentParent.flatMap { known.contains($0) ? ShardID(number: $0) : nil },
            startingSequenceNumber: numbers.number(0),
            endingSequenceNumber: endingSequenceNumber
        )
    }
}

extension ShardDescription: Codable {
    private enum CodingKeys: String, CodingKey {
        case number, createdSeconds, startingHashKey, endingHashKey, parent, adjacentParent
        case endingSequenceNumber, closed
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        number = try container.decode(Int.self, forKey: .number)
        createdSeconds = try container.decode(UInt32.self, forKey: .createdSeconds)
        parent = try container.decodeIfPresent(Int.self, forKey: .parent)
        adjacentParent = try container.decodeIfPresent(Int.self, forKey: .adjacentParent)
        endingSequenceNumber = try container.decodeIfPresent(
            SequenceNumber.self,
            forKey: .endingSequenceNumber
        )
        closed = try container.decodeIfPresent(Timestamp.self, forKey: .closed)
        // Decimal text, as 128-bit numbers are beyond what JSON readers agree on.
        let first = try container.decode(String.self, forKey: .startingHashKey)
        let last = try container.decode(String.self, forKey: .endingHashKey)
        guard let start = UInt128(first), let end = UInt128(last), start <= end else {
            throw InvalidHashKeys(shard: number, start: first, end: last)
        }
        range = HashKeyRange(start: start, end: end)
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(number, forKey: .number)
        try container.encode(createdSeconds, forKey: .createdSeconds)
        try container.encode(String(range.start), forKey: .startingHashKey)
        try container.encode(String(range.end), forKey: .endingHashKey)
        try container.encodeIfPresent(parent, forKey: .parent)
        try container.encodeIfPresent(adjacentParent, forKey: .adjacentParent)
        try container.encodeIfPresent(endingSequenceNumber, forKey: .endingSequenceNumber)
        try container.encodeIfPresent(closed, forKey: .closed)
    }
}

/// The hash keys of a shard in `stream.json` are no range.
struct InvalidHashKeys: Error, CustomStringConvertible {
    let shard: Int
    let start: String
    let end: String
    var description: String { "shard \(shard) has no valid hash key range: \(start) to \(end)" }
}

extension StreamDescription.Incarnation: Codable {
    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let value = UInt64(text, radix: 16) else {
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription: "not an incarnation: \(text)"
            )
        }
        self.value = value
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }

    var text: String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
