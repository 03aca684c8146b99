import SQLiteStore
import StreamCore

extension LambdaService {
    private struct MappingRequest: Decodable {
        let functionName: String?
        let eventSourceArn: String?
        let tags: [String: String]?
    }

    func createMapping(_ body: [UInt8]) async throws -> LambdaAnswer {
        let request = try LambdaCodec.decode(MappingRequest.self, from: body)
        let options = try LambdaCodec.decode(EventSourceOptions.self, from: body)
        var checks = RequestChecks()
        checks.require(request.functionName, at: "functionName")
        try checks.finish()
        let stream = try EventSourceARN.stream(in: request.eventSourceArn, names: names)
        let source = try EventSourceRules.makeSource(for: stream, options, now: now())
        try checkDestination(of: source)
        let tags = try TagRules.merged([:], adding: request.tags ?? [:])
        let reference = try await existing(request.functionName ?? "")
        guard try await streamExists(stream) else {
            throw EventSourceARN.streamNotFound(request.eventSourceArn ?? "")
        }
        do {
            let mapping = try await registry.createMapping(
                source,
                of: reference.name,
                qualifier: reference.qualifier,
                tags: tags
            )
            return try await describe(mapping, status: 202)
        } catch let exists as MappingExists {
            throw conflict(exists.mapping, source: names.stream(stream), function: request.functionName ?? "")
        }
    }

    func getMapping(_ call: LambdaCall) async throws -> LambdaAnswer {
        try await describe(mapping(call), status: 200)
    }

    func updateMapping(_ call: LambdaCall, _ body: [UInt8]) async throws -> LambdaAnswer {
        let request = try LambdaCodec.decode(MappingRequest.self, from: body)
        var options = try LambdaCodec.decode(EventSourceOptions.self, from: body)
        // Not members of this request: like anything else that the service model does not know, passed over.
        options.startingPosition = nil
        options.startingPositionTimestamp = nil
        let mapping = try await mapping(call)
        // Told before the function is looked up, as every rule of the options.
        let changed = try EventSourceRules.change(mapping.source, options)
        if options.destinations != nil { try checkDestination(of: changed) }
        let reference: FunctionReference? =
            if let name = request.functionName { try await existing(name) } else { nil }
        do {
            let updated = try await registry.updateMapping(
                mapping.id,
                function: reference?.name,
                qualifier: reference.map(\.qualifier)
            ) { [options] source in
                try EventSourceRules.change(source, options)
            }
            return try await describe(updated, status: 202)
        } catch let exists as MappingExists {
            let function = request.functionName ?? mapping.function.text
            throw conflict(exists.mapping, source: names.stream(mapping.source.stream), function: function)
        }
    }

    func deleteMapping(_ call: LambdaCall) async throws -> LambdaAnswer {
        try await describe(registry.removeMapping(mapping(call).id), status: 202)
    }

    func listMappings(_ call: LambdaCall) async throws -> LambdaAnswer {
        struct Answer: Encodable {
            let eventSourceMappings: [MappingDescription]
            let nextMarker: String?
        }
        let reference = try call.query["FunctionName"].map { text throws(LambdaError) in
            try FunctionReference(text, names: names)
        }
        let source = call.query["EventSourceArn"]
        let mappings = try await registry.mappings().filter { mapping in
            guard source == nil || source == names.stream(mapping.source.stream) else { return false }
            guard let reference else { return true }
            return mapping.function == reference.name
                && (reference.qualifier == nil || mapping.qualifier == reference.qualifier)
        }
        let page = try Page(
            of: mappings.sorted { $0.id < $1.id },
            by: \.id.text,
            query: call.query,
            largest: 100
        )
        var descriptions: [MappingDescription] = []
        for mapping in page.items { descriptions.append(await description(of: mapping)) }
        return try LambdaAnswer(
            Answer(eventSourceMappings: descriptions, nextMarker: page.nextMarker)
        )
    }

    /// A stream that failures are sent to is one of this host.
    private func checkDestination(of source: EventSource) throws(LambdaError) {
        guard case .stream(let arn) = source.onFailure else { return }
        _ = try EventSourceARN.stream(in: arn, names: names)
    }

    private func mapping(_ call: LambdaCall) async throws -> EventSourceMapping {
        guard let id = MappingID(call.names[0].lowercased()), let mapping = try await registry.mapping(id)
        else { throw LambdaError.noResource }
        return mapping
    }

    /// The function that a mapping shall run, which must be there, with its version or alias.
    private func existing(_ text: String) async throws -> FunctionReference {
        let absent = LambdaError.invalid("Function does not exist")
        let reference: FunctionReference
        do {
            reference = try FunctionReference(text, names: names)
        } catch  where error.kind == .resourceNotFound {
            throw absent
        }
        guard let function = try await registry.function(named: reference.name),
            function.definition(for: reference.qualifier) != nil
        else { throw absent }
        return reference
    }

    private func describe(_ mapping: EventSourceMapping, status: Int) async throws -> LambdaAnswer {
        try LambdaAnswer(status: status, await description(of: mapping))
    }

    private func description(of mapping: EventSourceMapping) async -> MappingDescription {
        MappingDescription(mapping, lastResult: await processingResult(mapping), names: names)
    }

    private func conflict(_ id: MappingID, source: String, function: String) -> LambdaError {
        LambdaError(
            .resourceConflict,
            "The event source arn (\" \(source) \") and function (\" \(function) \") provided mapping already exists. "
                + "Please update or delete the existing mapping with UUID \(id)"
        )
    }
}
