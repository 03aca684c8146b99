import SQLiteStore
import StreamCore
import TestSupport
import Testing

struct FunctionRegistryTests {
    @Test func `a registered function comes back as it was defined, also after a restart`() async throws {
        try await withDatabase { database, directory in
            let definition = FunctionDefinition(
                name: "alerts",
                runtime: .python("python3.12"),
                handler: "app.handler",
                codeDirectory: "/functions/alerts",
                timeoutSeconds: 30,
                memoryMegabytes: 512,
                environment: ["A": "1", "B": "ü\n"],
                concurrencyLimit: 4,
                eventSources: [
                    EventSource(
                        stream: "flights",
                        startingPosition: .atTimestamp(Timestamp(milliseconds: 1_700_000_000_500)),
                        batchSize: 500,
                        batchWindowSeconds: 5,
                        isEnabled: false
                    )
                ]
            )
            let registry = FunctionRegistry(database) { Timestamp(milliseconds: 1000) }
            try await registry.register([definition])
            try database.close()

            let reopened = FunctionRegistry(try SQLiteDatabase(directory: directory))

            let mapping = try #require(try await reopened.mappings().first)
            let function = try #require(try await reopened.function(named: "alerts"))
            let expected = RegisteredFunction(
                definition: definition,
                lastModified: Timestamp(milliseconds: 1000),
                revisionID: function.revisionID,
                state: .pending,
                mappings: [mapping]
            )
            #expect(function == expected)
            #expect(try await reopened.functions() == [expected])
            #expect(try await reopened.function(named: "other") == nil)
            #expect(function.revisionID.count == 36)
            #expect(mapping.function == "alerts")
            #expect(mapping.state == .creating)
            #expect(mapping.isFromDefinition)
            #expect(mapping.lastModified == Timestamp(milliseconds: 1000))
            #expect(mapping.source == definition.eventSources.first)
            #expect(MappingID.isValid(mapping.id.text))
            #expect(mapping.id.text == mapping.id.text.lowercased())
        }
    }

    @Test func `a new definition keeps the mapping and the checkpoints of each stream it still names`()
        async throws
    {
        try await withDatabase { database, _ in
            let registry = FunctionRegistry(database)
            let store = SQLiteLeaseStore(database)
            let before = try await registry.mappings(of: .named("orders", streams: ["dropped", "kept"]))
            for mapping in before { try await store.add([.start(0)], to: mapping.id) }

            let after = try await registry.mappings(
                of: .named("orders", streams: ["kept", "new"], timeoutSeconds: 60)
            )

            #expect(after.map(\.source.stream) == ["kept", "new"])
            #expect(after[0].id == before[1].id)
            #expect(Set(before.map(\.id)).contains(after[1].id) == false)
            #expect(try await store.leases(of: before[0].id).isEmpty)
            #expect(try await store.leases(of: before[1].id).count == 1)
        }
    }

    @Test func `of a set that contradicts itself nothing is registered`() async throws {
        try await withDatabase { database, _ in
            let registry = FunctionRegistry(database)
            let good = FunctionDefinition.named("good", streams: ["first"])

            await #expect(throws: DuplicateEventSource.self) {
                try await registry.register([good, .named("bad", streams: ["first", "first"])])
            }
            await #expect(throws: DuplicateFunction.self) {
                try await registry.register([good, good])
            }

            let functions = try await registry.functions()
            let mappings = try await registry.mappings()
            #expect(functions.isEmpty)
            #expect(mappings.isEmpty)
        }
    }

    @Test(arguments: [
        (StartingPosition.latest, "LATEST"),
        (.atTimestamp(Timestamp(milliseconds: 1_700_000_000_050)), "AT_TIMESTAMP 1700000000.050"),
    ])
    func `where a function starts in a stream cannot be changed afterwards`(
        start: StartingPosition,
        shown: String
    ) async throws {
        try await withDatabase { database, _ in
            let registry = FunctionRegistry(database)
            let moved = FunctionDefinition(
                name: "orders",
                runtime: .swiftPlugin,
                handler: "Orders",
                codeDirectory: "/functions/orders",
                eventSources: [EventSource(stream: "first", startingPosition: start)]
            )
            try await registry.register([.named("orders", streams: ["first", "second"])])
            let before = try await registry.functions()

            let refusal = await #expect(throws: StartingPositionIsFixed.self) {
                try await registry.register([.named("other", streams: ["first"]), moved])
            }

            #expect(
                refusal?.description
                    == "function orders is registered to start in stream first at TRIM_HORIZON, "
                    + "which cannot be changed to \(shown): "
                    + "remove the function and register it again to start anew"
            )
            #expect(try await registry.functions() == before)
            try await registry.remove("orders")
            try await registry.register([moved])
            #expect(try await registry.mappings().map(\.source.startingPosition) == [start])
        }
    }

    @Test func `only a changed definition counts as modified`() async throws {
        try await withDatabase { database, _ in
            let clock = CountingClock()
            let registry = FunctionRegistry(database, now: clock.next)
            let first = FunctionDefinition.named("first", streams: ["s"])
            let second = FunctionDefinition.named("second", streams: ["s"])

            try await registry.register([first, second])
            try await registry.register([first, .named("second", streams: ["s"], timeoutSeconds: 9)])

            #expect(try await registry.functions().map(\.lastModified.milliseconds) == [1, 2])
        }
    }

    @Test func `code that is registered anew counts as modified under the same definition`() async throws {
        try await withDatabase { database, _ in
            let registry = FunctionRegistry(database, now: CountingClock().next)
            let definition = FunctionDefinition.named("first", streams: ["s"])
            try await registry.register([definition])

            try await registry.register([definition], renewingCode: true)

            #expect(try await registry.functions().map(\.lastModified.milliseconds) == [2])
        }
    }

    @Test func `a removed function takes its mappings and leases along`() async throws {
        try await withDatabase { database, _ in
            let registry = FunctionRegistry(database)
            let store = SQLiteLeaseStore(database)
            let mapping = try await registry.mappings(of: .named("orders", streams: ["first"]))[0].id
            try await registry.register([.named("other", streams: ["first"])])
            try await store.add([.start(0)], to: mapping)

            #expect(try await registry.remove("orders"))
            #expect(try await registry.remove("orders") == false)

            #expect(try await registry.functions().map(\.definition.name) == ["other"])
            #expect(try await registry.mappings().map(\.function) == ["other"])
            #expect(try await store.leases(of: mapping).isEmpty)
        }
    }

    @Test func `leases of a deleted stream are gone once the mapping is bound to its successor`() async throws
    {
        try await withDatabase { database, _ in
            let registry = FunctionRegistry(database)
            let store = SQLiteLeaseStore(database)
            let mapping = try await registry.mappings(of: .named("orders", streams: ["first"]))[0].id
            try await registry.bind(mapping, toIncarnation: "1")
            try await store.add([.start(0)], to: mapping)

            try await registry.bind(mapping, toIncarnation: "1")
            #expect(try await store.leases(of: mapping).count == 1)

            try await registry.bind(mapping, toIncarnation: "2")
            #expect(try await store.leases(of: mapping).isEmpty)
        }
    }

    @Test func `observers hear of changes, and of nothing when nothing changed`() async throws {
        try await withDatabase { database, _ in
            let registry = FunctionRegistry(database)
            let definition = FunctionDefinition.named("orders", streams: ["first"])
            var changes = registry.changes().makeAsyncIterator()
            await changes.next()

            try await registry.register([definition])
            await changes.next()
            #expect(try await registry.functions().count == 1)

            // Registering the same again gives no element: the next one comes from the removal.
            try await registry.register([definition])
            try await registry.remove("orders")
            await changes.next()
            #expect(try await registry.functions().isEmpty)
        }
    }
}
