import Foundation
import StreamCore

/// Bytes as an item's attribute holds them: themselves, or the name of the items that hold them in parts.
///
/// An item takes 400 KB and a transaction 4 MB; a window's state has up to 1 MB and a failure's event up to 6 MB.
enum Blob: Hashable, Sendable {
    case inline(Data)
    case parts(PartGroup)

    /// More than that is kept in parts: several such fit into an item, and into a transaction.
    static let maximumInlineBytes = 48 << 10

    init?(_ value: AttributeValue?) {
        switch value {
        case .bytes(let data): self = .inline(data)
        case .string(let text):
            guard let group = PartGroup(text) else { return nil }
            self = .parts(group)
        default: return nil
        }
    }

    var attribute: AttributeValue {
        switch self {
        case .inline(let data): .bytes(data)
        case .parts(let group): .string(group.description)
        }
    }

    var group: PartGroup? { if case .parts(let group) = self { group } else { nil } }
}

/// The items that together hold some bytes.
struct PartGroup: Hashable, Sendable, LosslessStringConvertible {
    /// An item takes 400 KB, its key included.
    static let partBytes = 380 << 10
    /// Of one batch of writes: what a slow line carries within a call's time.
    static let partsTogether = 4

    let id: String
    let count: Int

    init(bytes: Int) {
        id = UUID().uuidString.lowercased()
        count = (bytes + Self.partBytes - 1) / Self.partBytes
    }

    init?(_ description: String) {
        let fields = description.split(separator: "/")
        guard fields.count == 2, let count = Int(fields[1]) else { return nil }
        id = String(fields[0])
        self.count = count
    }

    var description: String { "\(id)/\(count)" }

    var keys: [Item] { (0..<count).map { OwnKey.part($0, of: id).item } }
}

/// Sorts bytes into those that stand in an item and those that are to be written in parts before.
struct BlobWriter: Sendable {
    private(set) var parts: [(group: PartGroup, bytes: Data)] = []

    mutating func place(_ bytes: Data) -> Blob {
        guard bytes.count > Blob.maximumInlineBytes else { return .inline(bytes) }
        let group = PartGroup(bytes: bytes.count)
        parts.append((group, bytes))
        return .parts(group)
    }

    var groups: [PartGroup] { parts.map(\.group) }
}

/// The parts in the table, and the notes of those that are no longer, or not yet, part of anything.
///
/// A note names groups that are to be removed when it is old. It is put before the parts of a commit are written, and
/// deleted by the transaction that makes them visible; the transaction that replaces parts puts one for the old. So
/// parts that belong to nothing are found, and a commit whose parts were removed meanwhile is refused.
struct PartStore: Sendable {
    /// A commit has long been carried out or given up by then.
    static let noteLifetimeMilliseconds: Int64 = 3_600_000
    /// Notes that are cleared in one go.
    private static let clearedAtOnce = 100

    let application: DynamoDBApplication

    private var table: String { application.ownTable }
    private var client: DynamoDBClient { application.client }

    func makeNote() -> OwnKey {
        let moment = Self.digits(application.now().milliseconds)
        return OwnKey(kind: "pending", id: "\(moment)#\(UUID().uuidString.lowercased())")
    }

    /// Twenty digits sort as numbers do.
    static func digits(_ value: Int64) -> String {
        let digits = String(max(0, value))
        return String(repeating: "0", count: max(0, 20 - digits.count)) + digits
    }

    func note(_ groups: [PartGroup], as key: OwnKey) -> ItemPut {
        ItemPut(
            TableName: table,
            Item: key.item.merging(["groups": .strings(Set(groups.map(\.description)))]) { $1 }
        )
    }

    func write(_ blobs: BlobWriter) async throws {
        for (group, bytes) in blobs.parts {
            let writes = (0..<group.count).map { number in
                let start = bytes.startIndex + number * PartGroup.partBytes
                let part = bytes[start..<min(start + PartGroup.partBytes, bytes.endIndex)]
                let item = OwnKey.part(number, of: group.id).item.merging(["bytes": .bytes(Data(part))]) {
                    $1
                }
                return BatchRequest.Write(PutRequest: .init(Item: item))
            }
            try await client.write(writes, to: table, together: PartGroup.partsTogether)
        }
    }

    /// - Throws: `PartsMissing` when they were removed.
    func read(_ blob: Blob) async throws -> Data {
        let group: PartGroup
        switch blob {
        case .inline(let bytes): return bytes
        case .parts(let parts): group = parts
        }
        let parts = try await client.query(
            PageRequest(
                TableName: table,
                KeyConditionExpression: "kind = :kind",
                ExpressionAttributeValues: [":kind": .string("part#\(group.id)")]
            )
        )
        guard parts.count == group.count else { throw PartsMissing(table: table, group: group.description) }
        return parts.reduce(into: Data()) { $0 += $1["bytes"]?.data ?? Data() }
    }

    /// Removes groups, and the note of them last.
    func remove(_ groups: [PartGroup], notedAs note: OwnKey) async throws {
        let keys = groups.flatMap(\.keys) + [note.item]
        try await client.write(keys.map { BatchRequest.Write(DeleteRequest: .init(Key: $0)) }, to: table)
    }

    /// Removes what old notes name.
    func clear() async throws {
        let before = application.now().milliseconds - Self.noteLifetimeMilliseconds
        let notes = try await client.query(
            PageRequest(
                TableName: table,
                KeyConditionExpression: "kind = :kind AND id < :before",
                ExpressionAttributeValues: [
                    ":kind": .string("pending"), ":before": .string(Self.digits(before)),
                ]
            ),
            limit: Self.clearedAtOnce
        )
        for note in notes {
            guard let id = note["id"]?.string else { continue }
            let key = OwnKey(kind: "pending", id: id)
            let groups = (note["groups"]?.strings ?? []).compactMap { PartGroup($0) }
            // First the note goes from where a commit looks for it; under its second name it stays until the parts are gone.
            let second = OwnKey(kind: "pending", id: "\(id)#cleared")
            if !id.hasSuffix("#cleared") {
                guard try await rename(key, to: second, groups) else { continue }
            }
            try await remove(groups, notedAs: id.hasSuffix("#cleared") ? key : second)
        }
    }

    /// - Returns: `false` when a commit was faster.
    private func rename(_ key: OwnKey, to second: OwnKey, _ groups: [PartGroup]) async throws -> Bool {
        do {
            try await client.transact(
                [.delete(claim(key)), .put(note(groups, as: second))],
                token: UUID().uuidString,
                of: table
            )
            return true
        } catch let refusal as Refusal where refusal.isCancelledTransaction {
            return false
        }
    }

    /// Deletes a note that must still be there.
    func claim(_ note: OwnKey) -> ItemDelete {
        ItemDelete(TableName: table, Key: note.item, ConditionExpression: "attribute_exists(kind)")
    }
}

/// Some of the parts that an item names are gone.
package struct PartsMissing: Error, Hashable, Sendable, CustomStringConvertible {
    package let table: String
    package let group: String

    package var description: String { "table \(table) has not all parts of \(group)" }
}
