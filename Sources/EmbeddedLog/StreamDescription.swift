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
    /// In the order of their numbers, parents before children.
    var shards: [ShardDescription]
    /// Also counts shards that have been forgotten: a number is never used twice.
    var nextShardNumber: Int

    struct Incarnation: Hashable, Sendable {
        let value: UInt64
    }

    func save(in directory: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        let bytes = try Array(encoder.encode(self))
        try SystemFiles.replaceContents(of: "\(directory)/\(Self.fileName)", with: bytes, isSynced: true)
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
struct ShardDescription: Codable, Equatable, Sendable {
    var number: Int
    /// When it was created; part of its sequence numbers.
    var createdSeconds: UInt32
    /// Decimal, as 128-bit numbers are beyond what JSON readers agree on.
    var startingHashKey: String
    var endingHashKey: String
    var parent: Int?
    var adjacentParent: Int?
    var endingSequenceNumber: SequenceNumber?
    var closed: Timestamp?

    init(
        number: Int,
        createdSeconds: UInt32,
        range: HashKeyRange,
        parent: Int? = nil,
        adjacentParent: Int? = nil
    ) {
        self.number = number
        self.createdSeconds = createdSeconds
        startingHashKey = String(range.start)
        endingHashKey = String(range.end)
        self.parent = parent
        self.adjacentParent = adjacentParent
    }

    var numbers: ShardNumbers { ShardNumbers(createdSeconds: createdSeconds, shard: number) }

    var range: HashKeyRange {
        get throws {
            guard let start = UInt128(startingHashKey), let end = UInt128(endingHashKey), start <= end else {
                throw InvalidHashKeys(shard: number, start: startingHashKey, end: endingHashKey)
            }
            return HashKeyRange(start: start, end: end)
        }
    }

    /// - Parameter known: The shards that are still listed; a parent that is not is left out.
    func shard(amongNumbers known: Set<Int>) throws -> Shard {
        Shard(
            id: ShardID(number: number),
            hashKeyRange: try range,
            parent: parent.flatMap { known.contains($0) ? ShardID(number: $0) : nil },
            adjacentParent: adjacentParent.flatMap { known.contains($0) ? ShardID(number: $0) : nil },
            startingSequenceNumber: numbers.number(0),
            endingSequenceNumber: endingSequenceNumber
        )
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
