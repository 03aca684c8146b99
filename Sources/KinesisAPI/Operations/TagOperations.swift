import EmbeddedLog
import Foundation
import KinesisWire
import StreamCore

extension KinesisService {
    /// Of one stream.
    private static let maximumTags = 50

    private struct TagsRequest: Decodable {
        let streamName: String?
        let streamARN: String?
        let resourceARN: String?
        let tags: [String: String]?
        let tagKeys: [String]?
    }

    private struct Tag: Encodable {
        let key: String
        let value: String
    }

    func addTagsToStream(_ body: Data) throws -> Data? {
        let request = try ControlCodec.decode(TagsRequest.self, from: body)
        return try add(request.tags, to: StreamReference(name: request.streamName, arn: request.streamARN))
    }

    func tagResource(_ body: Data) throws -> Data? {
        let request = try ControlCodec.decode(TagsRequest.self, from: body)
        return try add(request.tags, to: resource(request.resourceARN))
    }

    func removeTagsFromStream(_ body: Data) throws -> Data? {
        let request = try ControlCodec.decode(TagsRequest.self, from: body)
        return try remove(
            request.tagKeys,
            from: StreamReference(name: request.streamName, arn: request.streamARN)
        )
    }

    func untagResource(_ body: Data) throws -> Data? {
        let request = try ControlCodec.decode(TagsRequest.self, from: body)
        return try remove(request.tagKeys, from: resource(request.resourceARN))
    }

    func listTagsForStream(_ body: Data) throws -> Data? {
        struct Request: Decodable {
            let streamName: String?
            let streamARN: String?
            let exclusiveStartTagKey: String?
            let limit: Int?
        }
        struct Answer: Encodable {
            let tags: [Tag]
            let hasMoreTags: Bool
        }
        let request = try ControlCodec.decode(Request.self, from: body)
        var checks = RequestChecks()
        checks.text(request.exclusiveStartTagKey, at: "exclusiveStartTagKey", length: 1...128)
        checks.number(request.limit, at: "limit", in: 1...50)
        try checks.finish()
        let stream = try stream(StreamReference(name: request.streamName, arn: request.streamARN))
        let following = tags(of: stream).drop { tag in
            request.exclusiveStartTagKey.map { tag.key <= $0 } ?? false
        }
        let page = following.prefix(request.limit ?? Self.maximumTags)
        return try ControlCodec.encode(Answer(tags: Array(page), hasMoreTags: page.count < following.count))
    }

    func listTagsForResource(_ body: Data) throws -> Data? {
        struct Answer: Encodable { let tags: [Tag] }
        let request = try ControlCodec.decode(TagsRequest.self, from: body)
        return try ControlCodec.encode(Answer(tags: tags(of: stream(resource(request.resourceARN)))))
    }

    private func tags(of stream: EmbeddedStream) -> [Tag] {
        stream.tags.map { Tag(key: $0.key, value: $0.value) }.sorted { $0.key < $1.key }
    }

    private func resource(_ arn: String?) throws(KinesisError) -> StreamReference {
        guard let arn else { throw .validation([Violation(nil, at: "resourceARN", .notNull)]) }
        return StreamReference(name: try streamName(arn: arn, at: "resourceARN").text, arn: nil)
    }

    private func add(_ tags: [String: String]?, to reference: StreamReference) throws -> Data? {
        guard let tags else { throw KinesisError.validation([Violation(nil, at: "tags", .notNull)]) }
        var checks = RequestChecks()
        checks.count(tags.count, printed: "{}", at: "tags", in: 1...200)
        try checks.finish()
        let stream = try stream(reference)
        try stream.changeTags { existing in
            existing = try checkedTags(tags, existing: existing, stream: stream.name)
        }
        return nil
    }

    private func remove(_ keys: [String]?, from reference: StreamReference) throws -> Data? {
        guard let keys else { throw KinesisError.validation([Violation(nil, at: "tagKeys", .notNull)]) }
        var checks = RequestChecks()
        checks.count(keys.count, printed: "[\(keys.joined(separator: ", "))]", at: "tagKeys", in: 1...50)
        for (index, key) in keys.enumerated() {
            checks.text(key, at: "tagKeys.\(index + 1).member", length: 1...128)
        }
        try checks.finish()
        let stream = try stream(reference)
        try stream.changeTags { tags in
            for key in keys { tags[key] = nil }
        }
        return nil
    }

    /// The existing tags with the new ones, when the result is allowed.
    func checkedTags(
        _ added: [String: String],
        existing: [String: String],
        stream: StreamName
    ) throws(KinesisError) -> [String: String] {
        var checks = RequestChecks()
        for (key, value) in added.sorted(by: { $0.key < $1.key }) {
            checks.text(key, at: "tags.key", length: 1...128)
            checks.text(value, at: "tags.\(key).member", length: 0...256)
        }
        try checks.finish()
        let merged = existing.merging(added) { _, new in new }
        guard merged.count <= Self.maximumTags else {
            throw KinesisError(
                .invalidArgument,
                "Failed to add tags to stream \(stream) under account \(names.account) because a given stream cannot "
                    + "have more than \(Self.maximumTags) tags associated with it."
            )
        }
        return merged
    }
}
