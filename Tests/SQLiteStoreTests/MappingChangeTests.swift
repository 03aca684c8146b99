import SQLiteStore
import StreamCore
import TestSupport
import Testing

struct MappingChangeTests {
    @Test func `a mapping is in transition until the host has carried it out`() async throws {
        try await withDatabase { database, _ in
            let registry = FunctionRegistry(database)
            try await registry.active(.code("a"))
            let mapping = try await registry.createMapping(.to("first"), of: "orders", tags: ["a": "1"])
            let id = mapping.id

            #expect(mapping.state == .creating)
            #expect(mapping.isFromDefinition == false)
            #expect(try await registry.settled(mapping)?.state == .enabled)
            let disabling = try await registry.updateMapping(id) { $0.with { $0.isEnabled = false } }
            #expect(disabling.state == .disabling)
            #expect(try await registry.settled(disabling)?.state == .disabled)
            let enabling = try await registry.updateMapping(id) { $0.with { $0.isEnabled = true } }
            #expect(enabling.state == .enabling)
            let updating = try await registry.updateMapping(id) { $0.with { $0.batchSize = 7 } }
            #expect(updating.state == .updating)
            let deleting = try await registry.removeMapping(id)
            #expect(deleting.state == .deleting)
            await #expect(throws: MappingInTransition(mapping: id, state: .deleting)) {
                try await registry.updateMapping(id)
            }
            await #expect(throws: MappingInTransition.self) { try await registry.removeMapping(id) }
            #expect(try await registry.settled(deleting) == nil)
            await #expect(throws: MappingNotFound(mapping: id)) { try await registry.removeMapping(id) }
        }
    }

    @Test func `settling a mapping that has changed again does nothing`() async throws {
        try await withDatabase { database, _ in
            // All in the same millisecond.
            let registry = FunctionRegistry(database) { Timestamp(milliseconds: 5) }
            try await registry.active(.code("a"))
            let id = try await registry.createMapping(.to("first"), of: "orders").id

            let first = try await registry.updateMapping(id) { $0.with { $0.batchSize = 1 } }
            let second = try await registry.updateMapping(id) { $0.with { $0.batchSize = 2 } }

            #expect(try await registry.settled(first) == second)
            #expect(try await registry.settled(second)?.state == .enabled)
        }
    }

    @Test func `a function has one mapping to a stream under each qualifier`() async throws {
        try await withDatabase { database, _ in
            let registry = FunctionRegistry(database)
            try await registry.active(.code("a"))
            _ = try await registry.publishVersion(of: "orders")
            let latest = try await registry.createMapping(.to("first"), of: "orders")
            let version = try await registry.createMapping(.to("first"), of: "orders", qualifier: "1")

            let expected = MappingExists(mapping: latest.id, function: "orders", stream: "first")
            await #expect(throws: expected) { try await registry.createMapping(.to("first"), of: "orders") }
            await #expect(throws: expected) {
                try await registry.createMapping(.to("first"), of: "orders", qualifier: .latest)
            }
            await #expect(throws: expected) {
                try await registry.updateMapping(version.id, qualifier: .some(nil))
            }
            await #expect(throws: FunctionNotFound(function: "orders", qualifier: "live")) {
                try await registry.createMapping(.to("first"), of: "orders", qualifier: "live")
            }
            await #expect(throws: FunctionNotFound(function: "other")) {
                try await registry.createMapping(.to("first"), of: "other")
            }
            #expect(try await registry.mappings().count == 2)
        }
    }

    @Test func `a mapping that is moved to another function keeps its checkpoints, not its start`()
        async throws
    {
        try await withDatabase { database, _ in
            let registry = FunctionRegistry(database)
            let store = SQLiteLeaseStore(database)
            try await registry.register([
                .named("orders", streams: ["first"]), .named("other", streams: []),
            ])
            let mapping = try #require(try await registry.mappings().first)
            let lease = try await store.acquired(0, of: mapping.id)
            try await store.checkpoint(lease, at: .at(7))

            let moved = try await registry.updateMapping(mapping.id, function: "other")

            #expect(moved.isFromDefinition == false)
            #expect(try await store.row(lease.key).checkpoint == .at(7))
            await #expect(throws: StartingPositionIsFixed.self) {
                try await registry.updateMapping(mapping.id) { $0.with { $0.startingPosition = .latest } }
            }
            // The definition of the other function does not name the stream, and does not own the mapping.
            try await registry.register([.named("other", streams: [], timeoutSeconds: 9)])
            #expect(try await registry.mapping(mapping.id) == moved)
        }
    }

    @Test func `what was set through the API stays until the event source is defined otherwise`() async throws
    {
        try await withDatabase { database, _ in
            let registry = FunctionRegistry(database)
            let definition = FunctionDefinition.named("orders", streams: ["first"])
            let id = try await registry.active(definition).mappings[0].id
            _ = try await registry.updateMapping(id) { $0.with { $0.isEnabled = false } }

            try await registry.register([definition], renewingCode: true)
            let paused = try await registry.mapping(id)
            try await registry.register([
                FunctionDefinition(
                    name: "orders",
                    runtime: definition.runtime,
                    handler: definition.handler,
                    codeDirectory: definition.codeDirectory,
                    eventSources: [EventSource.to("first").with { $0.batchSize = 5 }]
                )
            ])

            #expect(paused?.source.isEnabled == false)
            let defined = try await registry.mapping(id)
            #expect(defined?.source.isEnabled == true)
            #expect(defined?.source.batchSize == 5)
            #expect(defined?.state == .enabling)
        }
    }

    @Test func `a definition does not take a mapping over that was made through the API`() async throws {
        try await withDatabase { database, _ in
            let registry = FunctionRegistry(database)
            try await registry.active(.named("orders", streams: []))
            let made = try await registry.createMapping(.to("first"), of: "orders")

            await #expect(throws: MappingExists(mapping: made.id, function: "orders", stream: "first")) {
                try await registry.register([.named("orders", streams: ["first"])])
            }
            try await registry.register([.named("orders", streams: ["second"])])

            #expect(try await registry.mappings().map(\.source.stream) == ["first", "second"])
            #expect(try await registry.mapping(made.id) == made)
        }
    }

    @Test func `a mapping that is being removed makes way for the one a definition names`() async throws {
        try await withDatabase { database, _ in
            let registry = FunctionRegistry(database)
            let definition = FunctionDefinition.named("orders", streams: ["first"])
            let id = try await registry.active(definition).mappings[0].id
            let deleting = try await registry.removeMapping(id)

            try await registry.register([definition], renewingCode: true)

            let made = try await registry.mappings()
            #expect(made.map(\.state) == [.creating])
            #expect(made.map(\.id) != [id])
            try await registry.settleMapping(deleting)
            #expect(try await registry.mappings() == made)
        }
    }

    @Test func `two processes that make the same mapping make one`() async throws {
        try await withDatabase { database, directory in
            let registries = [
                FunctionRegistry(database), FunctionRegistry(try SQLiteDatabase.patient(directory)),
            ]
            try await registries[0].active(.code("a"))

            let made = await withTaskGroup(of: MappingID?.self) { group in
                for number in 0..<20 {
                    group.addTask { [registry = registries[number % 2]] in
                        do {
                            return try await registry.createMapping(.to("first"), of: "orders").id
                        } catch {
                            #expect(error is MappingExists)
                            return nil
                        }
                    }
                }
                return await group.reduce(into: [MappingID]()) { if let id = $1 { $0.append(id) } }
            }

            #expect(made.count == 1)
            #expect(try await registries[1].mappings().map(\.id) == made)
        }
    }
}

extension EventSource {
    func with(_ change: (inout EventSource) -> Void) -> EventSource {
        var changed = self
        change(&changed)
        return changed
    }
}

extension FunctionRegistry {
    /// Settles a mapping and reads it again.
    func settled(_ mapping: EventSourceMapping) async throws -> EventSourceMapping? {
        try await settleMapping(mapping)
        return try await self.mapping(mapping.id)
    }
}
