import Foundation
import StreamCore

/// A shard's progress as an item of our own table.
struct ProgressItem: Sendable {
    let lineage: UInt64
    private let json: Blob
    private let windowState: Blob?

    init(_ progress: ShardProgress, lineage: UInt64, to blobs: inout BlobWriter) throws {
        var rest = progress
        rest.window?.state = []
        self.lineage = lineage
        json = blobs.place(try JSONEncoder().encode(rest))
        // Apart: as JSON each of its bytes would be a number.
        windowState = progress.window.map { blobs.place(Data($0.state)) }
    }

    init?(_ item: Item) {
        guard let lineage = item["lineage"]?.unsigned, let json = Blob(item["progress"]) else { return nil }
        self.lineage = lineage
        self.json = json
        windowState = Blob(item["windowState"])
    }

    func item(of shard: ShardID) -> Item {
        var item = OwnKey.progress(of: shard).item
        item["lineage"] = .number(lineage)
        item["progress"] = json.attribute
        item["windowState"] = windowState?.attribute
        return item
    }

    var groups: [PartGroup] { [json.group, windowState?.group].compactMap(\.self) }

    func progress(from parts: PartStore) async throws -> ShardProgress {
        var progress = try JSONDecoder().decode(ShardProgress.self, from: try await parts.read(json))
        if let windowState { progress.window?.state = [UInt8](try await parts.read(windowState)) }
        return progress
    }
}
