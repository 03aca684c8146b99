import SQLiteStore
import StreamCore

/// What tags a function or a mapping may have.
enum TagRules {
    private static let maximumTags = 50

    /// The existing tags with the new ones, when the result is allowed.
    static func merged(_ existing: [String: String], adding tags: [String: String]) throws(LambdaError)
        -> [String: String]
    {
        for (key, value) in tags.sorted(by: { $0.key < $1.key }) {
            guard (1...128).contains(key.unicodeScalars.count) else {
                throw .invalid("Tag keys must have 1 to 128 characters.")
            }
            guard value.unicodeScalars.count <= 256 else {
                throw .invalid("The value of tag \(key) must have at most 256 characters.")
            }
            guard !key.lowercased().hasPrefix("aws:") else {
                throw .invalid("Tag \(key) is reserved: tags must not begin with aws:.")
            }
        }
        let merged = existing.merging(tags) { _, new in new }
        guard merged.count <= maximumTags else {
            throw .invalid("Number of tags exceeds resource tag limit: at most \(maximumTags).")
        }
        return merged
    }
}

extension LambdaService {
    private enum Tagged {
        case function(RegisteredFunction)
        case mapping(EventSourceMapping)

        var tags: [String: String] {
            switch self {
            case .function(let function): function.tags
            case .mapping(let mapping): mapping.tags
            }
        }
    }

    func tagResource(_ call: LambdaCall, _ body: [UInt8]) async throws -> LambdaAnswer {
        struct Request: Decodable { let tags: [String: String]? }
        let tags = try LambdaCodec.decode(Request.self, from: body).tags
        var checks = RequestChecks()
        checks.require(tags, at: "tags")
        try checks.finish()
        let resource = try await tagged(call)
        _ = try TagRules.merged(resource.tags, adding: tags ?? [:])
        try await set(tags ?? [:], removing: [], of: resource)
        return LambdaAnswer(status: 204)
    }

    func untagResource(_ call: LambdaCall) async throws -> LambdaAnswer {
        let keys = call.query.all("tagKeys")
        var checks = RequestChecks()
        checks.require(keys.first, at: "tagKeys")
        try checks.finish()
        let resource = try await tagged(call)
        if case .function(let function) = resource,
            let key = keys.first(where: { function.definition.tags[$0] != nil })
        {
            throw LambdaError.invalid(
                "Tag \(key) comes from the definition of function \(function.name): remove it there and register the "
                    + "function again."
            )
        }
        try await set([:], removing: Set(keys), of: resource)
        return LambdaAnswer(status: 204)
    }

    func listTags(_ call: LambdaCall) async throws -> LambdaAnswer {
        struct Answer: Encodable { let tags: [String: String] }
        return try LambdaAnswer(Answer(tags: try await tagged(call).tags))
    }

    private func set(_ tags: [String: String], removing keys: Set<String>, of resource: Tagged) async throws {
        switch resource {
        case .function(let function): try await registry.setTags(tags, removing: keys, of: function.name)
        case .mapping(let mapping): try await registry.setTags(tags, removing: keys, of: mapping.id)
        }
    }

    /// What the ARN in the path names.
    private func tagged(_ call: LambdaCall) async throws -> Tagged {
        let arn = call.names[0]
        let fields = arn.split(separator: ":", omittingEmptySubsequences: false)
        guard fields.count >= 7, fields[0] == "arn", fields[2] == "lambda" else {
            var checks = RequestChecks()
            checks.refuse(
                arn,
                at: "resource",
                #"Member must satisfy regular expression pattern: arn:(aws[a-zA-Z-]*):lambda:…:\d{12}:(function:…|event-source-mapping:…)"#
            )
            try checks.finish()
            throw LambdaError.noResource
        }
        if fields[5] == "event-source-mapping" {
            guard let id = MappingID(fields[6].lowercased()), arn.lowercased() == names.mapping(id),
                let mapping = try await registry.mapping(id)
            else { throw LambdaError.noResource }
            return .mapping(mapping)
        }
        let reference = try FunctionReference(arn, names: names, at: "resource")
        guard reference.qualifier == nil else {
            throw LambdaError.invalid(
                "Tags on function aliases and versions are not supported. Please specify a function ARN."
            )
        }
        return .function(try await function(reference))
    }
}
