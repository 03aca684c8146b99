import Foundation
import StreamCore

/// A failure and the state of its delivery, as an item of our own table.
struct FailureItem: Codable, Sendable {
    private(set) var item: Item

    /// What the indexes hold beside the keys: all but the event.
    static let listed = [
        "mapping", "shard", "time", "target", "details", "attempts", "nextAttempt", "lastError", "delivered",
        "eventBytes", "eventParts",
    ]

    init(_ failure: BatchFailure, number: String, to blobs: inout BlobWriter) throws {
        item = OwnKey.failure(failure.id).item
        item["number"] = .string(number)
        item["mapping"] = .string(failure.mapping.text)
        item["shard"] = .string(failure.shard.text)
        item["time"] = .number(failure.time.milliseconds)
        item["details"] = .string(String(decoding: try JSONEncoder().encode(failure.details), as: UTF8.self))
        item["attempts"] = .number("0")
        item["eventBytes"] = .number(Int64(failure.event.count))
        let event = blobs.place(Data(failure.event))
        // What is in the indexes as well has another name.
        item[event.group == nil ? "event" : "eventParts"] = event.attribute
        if let target = failure.target {
            item["target"] = .string(target.text)
            item["nextAttempt"] = .number(failure.time.milliseconds)
            item["due"] = .string(DueKey(target.text).at(failure.time, number))
        } else {
            item["settled"] = .string(SettledKey.undirected(failure.time))
        }
    }

    init(_ item: Item) { self.item = item }

    var id: String { item["id"]?.string ?? "" }
    var number: String { item["number"]?.string ?? "" }
    var target: String? { item["target"]?.string }
    var isWaiting: Bool { item["nextAttempt"] != nil }
    var nextAttempt: Timestamp { Timestamp(milliseconds: item["nextAttempt"]?.signed ?? 0) }
    var eventBytes: Int { Int(item["eventBytes"]?.signed ?? 0) }
    var event: Blob? { Blob(item["eventParts"] ?? item["event"]) }

    /// - Throws: `DecodingError`.
    func stored(event: Data = Data()) throws -> StoredFailure {
        let details = try JSONDecoder().decode(
            BatchFailure.Details.self,
            from: Data((item["details"]?.string ?? "").utf8)
        )
        let failure = BatchFailure(
            id: id,
            mapping: MappingID(unchecked: item["mapping"]?.string ?? ""),
            shard: ShardID(unchecked: item["shard"]?.string ?? ""),
            time: Timestamp(milliseconds: item["time"]?.signed ?? 0),
            event: [UInt8](event),
            target: target.flatMap { FailureTarget($0) },
            details: details
        )
        return StoredFailure(failure: failure, delivery: delivery)
    }

    private var delivery: StoredFailure.Delivery {
        let attempts = Int(item["attempts"]?.signed ?? 0)
        if let delivered = item["delivered"]?.signed {
            return .delivered(at: Timestamp(milliseconds: delivered), attempts: attempts)
        }
        guard isWaiting else { return .none }
        return .waiting(
            attempts: attempts,
            nextAttempt: nextAttempt,
            lastError: item["lastError"]?.string
        )
    }

    init(from decoder: any Decoder) throws { item = try Item(from: decoder) }
    func encode(to encoder: any Encoder) throws { try item.encode(to: encoder) }
}

/// The key of the index `by-due`: a destination's failures stand together, the longest waiting first.
struct DueKey: Sendable {
    /// A range key takes 1,024 bytes.
    private static let maximumTargetBytes = 900

    private let prefix: String

    init(_ target: String) {
        guard target.utf8.count > Self.maximumTargetBytes else {
            prefix = target
            return
        }
        // Names that long are paths; two that share their beginning are told apart by a hash (FNV-1a).
        let hash = target.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) {
            ($0 ^ UInt64($1)) &* 0x100_0000_01b3
        }
        prefix = target.prefixOfUTF8(Self.maximumTargetBytes) + String(hash, radix: 16)
    }

    func at(_ time: Timestamp, _ number: String) -> String {
        "\(prefix) \(PartStore.digits(time.milliseconds)) \(number)"
    }

    /// Before all that are due at `time` at the earliest, and behind all that are due by then.
    var first: String { "\(prefix) " }
    func last(at time: Timestamp) -> String { "\(prefix) \(PartStore.digits(time.milliseconds)) ~" }
    /// Behind all of this destination.
    var end: String { "\(prefix) ~" }
}

/// The key of the index `by-settled`.
enum SettledKey {
    static func undirected(_ time: Timestamp) -> String {
        "undirected \(PartStore.digits(time.milliseconds))"
    }
    static func delivered(_ time: Timestamp) -> String { "delivered \(PartStore.digits(time.milliseconds))" }
}
