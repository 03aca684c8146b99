import Foundation
import StreamCore

/// More failures than a transaction takes, as one item that it makes visible.
///
/// Whoever looks for failures unpacks first what he finds; each that is unpacked already stays as it is.
struct FailureBundle: Sendable {
    /// Failures that a transaction takes beside the lease, the progress and the notes; it takes 100 items and 4 MB.
    static let maximumLooseCount = 30
    static let maximumLooseBytes = 2 << 20

    private static let kind = "bundle"
    /// Writes in flight while one is unpacked.
    private static let writesInFlight = 16

    let application: DynamoDBApplication

    static func isNeeded(for failures: [FailureItem]) -> Bool {
        guard failures.count <= maximumLooseCount else { return true }
        return failures.reduce(0) { $0 + $1.roughBytes } > maximumLooseBytes
    }

    static func item(_ failures: [FailureItem], number: String, to blobs: inout BlobWriter) throws -> Item {
        let blob = blobs.place(try JSONEncoder().encode(failures))
        return OwnKey(kind: kind, id: number).item.merging(["failures": blob.attribute]) { $1 }
    }

    func unpackAll() async throws {
        let bundles = try await application.client.query(
            PageRequest(
                TableName: application.ownTable,
                KeyConditionExpression: "kind = :kind",
                ExpressionAttributeValues: [":kind": .string(Self.kind)]
            )
        )
        for bundle in bundles { try await unpack(bundle) }
    }

    private func unpack(_ bundle: Item) async throws {
        guard let id = bundle["id"]?.string, let blob = Blob(bundle["failures"]) else { return }
        let parts = PartStore(application: application)
        let failures: [FailureItem]
        do {
            failures = try JSONDecoder().decode([FailureItem].self, from: try await parts.read(blob))
        } catch let missing as PartsMissing {
            let key = OwnKey(kind: Self.kind, id: id).item
            guard try await application.client.item(key, in: application.ownTable) == nil else {
                throw missing
            }
            // Another one was faster.
            return
        }
        _ = try await forEach(failures, limit: Self.writesInFlight) { failure in
            do {
                try await application.client.put(failure.put(in: application.ownTable))
            } catch let refusal as Refusal where refusal.isConditionFailure {
                // It was stored before, and may have been delivered since.
            }
        }
        let key = OwnKey(kind: Self.kind, id: id)
        guard let group = blob.group else {
            try await application.client.delete(ItemDelete(TableName: application.ownTable, Key: key.item))
            return
        }
        let note = parts.makeNote()
        try await application.client.transact(
            [
                .put(parts.note([group], as: note)),
                .delete(ItemDelete(TableName: application.ownTable, Key: key.item)),
            ],
            token: UUID().uuidString,
            of: application.ownTable
        )
        try await parts.remove([group], notedAs: note)
    }
}

extension FailureItem {
    /// Stores the failure unless it is stored.
    func put(in table: String) -> ItemPut {
        ItemPut(TableName: table, Item: item, ConditionExpression: "attribute_not_exists(kind)")
    }

    /// What it takes of a transaction.
    var roughBytes: Int {
        let inline = if case .inline(let bytes) = event { bytes.count } else { 0 }
        return 1024 + (item["details"]?.string?.utf8.count ?? 0) + inline
    }
}
