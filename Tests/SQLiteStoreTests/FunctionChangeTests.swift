import SQLiteStore
import StreamCore
import TestSupport
import Testing

struct FunctionChangeTests {
    @Test func `a created function is pending until its code has started`() async throws {
        try await withDatabase { database, _ in
            let registry = FunctionRegistry(database)

            let created = try await registry.create(.code("a"), tags: ["team": "x"], publish: true)

            #expect(created.state == .pending)
            #expect(created.tags == ["team": "x"])
            #expect(created.versions.map(\.number) == [1])
            await #expect(throws: FunctionExists(function: "orders")) {
                try await registry.create(.code("b"))
            }
            await #expect(throws: UpdateInProgress.self) { try await registry.update("orders") { $0 } }
            try await registry.settle("orders", revision: "another", startFailure: nil)
            #expect(try await registry.orders().state == .pending)
            try await registry.settle("orders", revision: created.revisionID, startFailure: nil)
            #expect(try await registry.orders().state == .active)
        }
    }

    @Test func `code that does not start fails a new function, until its successor starts`() async throws {
        try await withDatabase { database, _ in
            let registry = FunctionRegistry(database)
            let created = try await registry.create(.code("a"))
            let long = String(repeating: "x", count: RegistryLimits.reasonBytes + 1)

            try await registry.settle("orders", revision: created.revisionID, startFailure: long)
            let failed = try await registry.orders()
            let updated = try await registry.update("orders") { _ in .code("b") }
            try await registry.settle("orders", revision: updated.revisionID, startFailure: nil)

            #expect(failed.state == .failed(reason: String(long.dropLast())))
            #expect(updated.state == .pending)
            #expect(updated.lastUpdate == .inProgress)
            #expect(updated.definition == .code("b"))
            let last = try await registry.orders()
            #expect(last.state == .active)
            #expect(last.lastUpdate == .successful)
        }
    }

    @Test func `changed code waits beside what runs, and takes over once it has started`() async throws {
        try await withDatabase { database, _ in
            let registry = FunctionRegistry(database)
            let before = try await registry.active(.code("a"))

            let updated = try await registry.update("orders", ifRevision: before.revisionID) { _ in .code("b")
            }

            #expect(updated.definition == .code("a"))
            #expect(updated.candidate == .code("b"))
            #expect(updated.lastUpdate == .inProgress)
            #expect(updated.state == .active)
            await #expect(throws: UpdateInProgress(function: "orders")) {
                try await registry.update("orders") { _ in .code("c") }
            }
            try await registry.settle("orders", revision: before.revisionID, startFailure: nil)
            #expect(try await registry.orders() == updated)
            try await registry.settle("orders", revision: updated.revisionID, startFailure: nil)

            let after = try await registry.orders()
            #expect(after.definition == .code("b"))
            #expect(after.candidate == nil)
            #expect(after.lastUpdate == .successful)
            await #expect(
                throws: RevisionMismatch(
                    function: "orders",
                    current: after.revisionID,
                    requested: before.revisionID
                )
            ) {
                try await registry.update("orders", ifRevision: before.revisionID) { $0 }
            }
            await #expect(throws: FunctionNotFound(function: "other")) {
                try await registry.update("other") { $0 }
            }
        }
    }

    @Test func `changed code that does not start leaves what runs, and says why`() async throws {
        try await withDatabase { database, _ in
            let registry = FunctionRegistry(database)
            try await registry.active(.code("a"))
            let updated = try await registry.update("orders") { _ in .code("b") }

            try await registry.settle("orders", revision: updated.revisionID, startFailure: "exit code 1")

            let after = try await registry.orders()
            #expect(after.definition == .code("a"))
            #expect(after.candidate == nil)
            #expect(after.state == .active)
            #expect(after.lastUpdate == .failed(reason: "exit code 1"))
        }
    }

    @Test func `registered changes wait for their start, and event sources do not`() async throws {
        try await withDatabase { database, _ in
            let registry = FunctionRegistry(database)
            try await registry.active(.named("orders", streams: ["first"]))
            let changed = FunctionDefinition.named("orders", streams: ["second"], timeoutSeconds: 9)

            try await registry.register([changed])
            let waiting = try await registry.orders()
            try await registry.settle("orders", revision: waiting.revisionID, startFailure: "no")
            let dropped = try await registry.orders()
            try await registry.register([changed])

            #expect(waiting.candidate == changed)
            #expect(waiting.definition.timeoutSeconds == 3)
            #expect(waiting.mappings.map(\.source.stream) == ["second"])
            #expect(dropped.definition.timeoutSeconds == 3)
            #expect(dropped.definition.eventSources == changed.eventSources)
            // Registering it once more is another try.
            #expect(try await registry.orders().candidate == changed)
        }
    }

    @Test func `of settling and updating at the same time neither undoes the other`() async throws {
        try await withDatabase { database, directory in
            let registry = FunctionRegistry(database)
            let other = FunctionRegistry(try SQLiteDatabase.patient(directory))
            var newest = try await registry.active(.code("0")).revisionID

            for round in 1...20 {
                let former = newest
                async let stale: Void = other.settle("orders", revision: former, startFailure: "stale")
                async let updated = registry.update("orders") { _ in .code("\(round)") }
                let revision = try await updated.revisionID
                try await stale
                // Both processes have seen the code start.
                async let first: Void = registry.settle("orders", revision: revision, startFailure: nil)
                async let second: Void = other.settle("orders", revision: revision, startFailure: nil)
                _ = try await (first, second)
                newest = revision

                let settled = try await other.orders()
                #expect(settled.definition == .code("\(round)"))
                #expect(settled.lastUpdate == .successful)
                #expect(settled.state == .active)
            }
        }
    }

    @Test func `reserved concurrency and tags change without a new revision`() async throws {
        try await withDatabase { database, _ in
            let registry = FunctionRegistry(database)
            let before = try await registry.active(.code("a"))
            let name = before.name

            try await registry.setReservedConcurrency(0, of: "orders")
            try await registry.setTags(["a": "1", "b": "2"], of: name)
            try await registry.setTags(["b": "3"], removing: ["a"], of: name)

            let after = try await registry.orders()
            #expect(after.reservedConcurrency == 0)
            #expect(after.tags == ["b": "3"])
            #expect(after.revisionID == before.revisionID)
            let many = Dictionary(uniqueKeysWithValues: (0..<RegistryLimits.tags).map { ("t\($0)", "") })
            await #expect(throws: RegistryLimitReached.self) {
                try await registry.setTags(many, of: name)
            }
            try await registry.setReservedConcurrency(nil, of: "orders")
            #expect(try await registry.orders().reservedConcurrency == nil)
        }
    }
}

// MARK: - Versions and aliases

struct FunctionVersionTests {
    @Test func `what is published twice without a change is one version`() async throws {
        try await withDatabase { database, _ in
            let registry = FunctionRegistry(database)
            try await registry.active(.code("a"))

            let first = try await registry.publishVersion(of: "orders", description: "one")
            let again = try await registry.publishVersion(of: "orders", description: "two")
            try await registry.change(to: .code("b"))
            let second = try await registry.publishVersion(of: "orders")

            #expect(again == first)
            #expect(first.definition.description == "one")
            #expect([first.number, second.number] == [1, 2])
            #expect(try await registry.orders().versions == [first, second])
            #expect(try await registry.codeDirectoriesInUse() == ["/code/a", "/code/b"])
            #expect(try await registry.removeVersion(2, of: "orders"))
            #expect(try await registry.removeVersion(2, of: "orders") == false)
            try await registry.change(to: .code("c"))
            #expect(try await registry.publishVersion(of: "orders").number == 3)
        }
    }

    @Test func `only the code and the revision that are meant are published`() async throws {
        try await withDatabase { database, _ in
            let registry = FunctionRegistry(database)
            let active = try await registry.active(.code("a"))

            await #expect(
                throws: CodeMismatch(function: "orders", current: "sha of a", requested: "sha of b")
            ) {
                try await registry.publishVersion(of: "orders", ifCodeSHA256: "sha of b")
            }
            await #expect(throws: RevisionMismatch.self) {
                try await registry.publishVersion(of: "orders", ifRevision: "old")
            }
            let published = try await registry.publishVersion(
                of: "orders",
                ifRevision: active.revisionID,
                ifCodeSHA256: "sha of a"
            )
            #expect(published.number == 1)
            _ = try await registry.update("orders", publish: true) { _ in .code("b") }
            #expect(try await registry.orders().versions.map(\.number) == [1, 2])
            await #expect(throws: UpdateInProgress.self) { try await registry.publishVersion(of: "orders") }
        }
    }

    @Test func `an alias leads to a version, and can be pointed elsewhere`() async throws {
        try await withDatabase { database, _ in
            let registry = FunctionRegistry(database)
            try await registry.active(.code("a"))
            _ = try await registry.publishVersion(of: "orders")

            let alias = try await registry.createAlias(
                FunctionAlias(name: "live", version: "1"),
                of: "orders"
            )
            await #expect(throws: AliasExists(function: "orders", alias: "live")) {
                try await registry.createAlias(FunctionAlias(name: "live", version: "1"), of: "orders")
            }
            for version: FunctionQualifier in ["2", "live"] {
                await #expect(throws: FunctionNotFound(function: "orders", qualifier: version)) {
                    try await registry.createAlias(FunctionAlias(name: "x", version: version), of: "orders")
                }
            }
            let moved = try await registry.updateAlias("live", of: "orders", version: "$LATEST")

            #expect(moved.version == .latest)
            #expect(moved.revisionID != alias.revisionID)
            await #expect(throws: RevisionMismatch.self) {
                try await registry.updateAlias("live", of: "orders", ifRevision: alias.revisionID)
            }
            #expect(try await registry.orders().aliases == [moved])
            #expect(try await registry.removeAlias("live", of: "orders"))
            #expect(try await registry.removeAlias("live", of: "orders") == false)
        }
    }

    @Test func `a version or alias that something leads to stays`() async throws {
        try await withDatabase { database, _ in
            let registry = FunctionRegistry(database)
            try await registry.active(.code("a"))
            _ = try await registry.publishVersion(of: "orders")
            try await registry.createAlias(FunctionAlias(name: "live", version: "1"), of: "orders")
            let mapping = try await registry.createMapping(.to("first"), of: "orders", qualifier: "live")

            let version = await #expect(throws: QualifierInUse.self) {
                try await registry.removeVersion(1, of: "orders")
            }
            let alias = await #expect(throws: QualifierInUse.self) {
                try await registry.removeAlias("live", of: "orders")
            }

            #expect(version?.aliases == ["live"])
            #expect(alias?.mappings == [mapping.id])
            #expect(
                alias?.description == "orders:live is in use by event source mapping \(mapping.id)"
            )
        }
    }
}

extension FunctionDefinition {
    /// The function `orders` with uploaded code.
    static func code(_ name: String) -> FunctionDefinition {
        FunctionDefinition(
            name: "orders",
            runtime: .python("python3.12"),
            handler: "app.handler",
            codeDirectory: "/code/\(name)",
            code: UploadedCode(sha256: "sha of \(name)", bytes: 1)
        )
    }
}

extension EventSource {
    static func to(_ stream: StreamName) -> EventSource {
        EventSource(stream: stream, startingPosition: .trimHorizon)
    }
}

extension FunctionRegistry {
    func orders() async throws -> RegisteredFunction { try #require(try await function(named: "orders")) }

    /// Registers the function `orders`, which starts.
    @discardableResult
    func active(_ definition: FunctionDefinition) async throws -> RegisteredFunction {
        try await register([definition])
        try await settle("orders", revision: try await orders().revisionID, startFailure: nil)
        return try await orders()
    }

    /// Updates the function `orders` to a definition that starts.
    func change(to definition: FunctionDefinition) async throws {
        let updated = try await update("orders") { _ in definition }
        try await settle("orders", revision: updated.revisionID, startFailure: nil)
    }
}
