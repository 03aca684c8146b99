import GRDB
package import StreamCore

extension FunctionRegistry {
    /// Adds a mapping in the state `creating`.
    ///
    /// - Parameter qualifier: A version or an alias; `$LATEST` is the same as `nil`.
    /// - Throws: `MappingExists` for the same function, qualifier and stream; `FunctionNotFound`, also for the qualifier;
    ///   `RegistryLimitReached`.
    package func createMapping(
        _ source: EventSource,
        of function: FunctionName,
        qualifier: FunctionQualifier? = nil,
        tags: [String: String] = [:]
    ) async throws -> EventSourceMapping {
        let now = now()
        return try await change { db in
            let mapping = EventSourceMapping(
                new: source,
                of: function,
                qualifier: qualifier,
                tags: try [:].taking(tags, of: "the event source mapping"),
                isFromDefinition: false,
                at: now
            )
            try Self.check(mapping, in: db)
            try mapping.save(in: db)
            return mapping
        }
    }

    /// Changes a mapping, which keeps its checkpoints, also under another function.
    ///
    /// - Parameters:
    ///   - function: `nil` keeps it.
    ///   - qualifier: `nil` keeps it; `.some(nil)` takes what the function is now.
    ///   - change: Keeps the stream.
    /// - Returns: The mapping in the state `updating`, `enabling` or `disabling`.
    /// - Throws: `MappingNotFound`; `MappingInTransition` while it is being removed; `StartingPositionIsFixed`; what
    ///   `createMapping` throws; whatever `change` throws.
    package func updateMapping(
        _ id: MappingID,
        function: FunctionName? = nil,
        qualifier: FunctionQualifier?? = nil,
        _ change: @escaping @Sendable (EventSource) throws -> EventSource = { $0 }
    ) async throws -> EventSourceMapping {
        let now = now()
        return try await self.change { db in
            let current = try Self.changeable(id, in: db)
            let source = try change(current.source)
            precondition(source.stream == current.source.stream, "a mapping stays with its stream")
            try current.refuseOtherStart(than: source)
            let changed = current.changed(function: function, qualifier: qualifier, source: source, at: now)
            try Self.check(changed, in: db)
            try changed.save(in: db)
            return changed
        }
    }

    /// Puts a mapping into the state `deleting`; its row goes when the host settles it.
    ///
    /// - Throws: `MappingNotFound`; `MappingInTransition` when that is under way already.
    package func removeMapping(_ id: MappingID) async throws -> EventSourceMapping {
        let now = now()
        return try await change { db in
            let removed = try Self.changeable(id, in: db).changed(state: .deleting, at: now)
            try removed.save(in: db)
            return removed
        }
    }

    /// Records that the host has carried a change out: the mapping takes its settled state, or is removed.
    ///
    /// Nothing happens when it was changed again meanwhile.
    package func settleMapping(_ mapping: EventSourceMapping) async throws {
        try await change { db in
            guard let current = try EventSourceMapping.row(mapping.id, in: db),
                current.state == mapping.state, current.lastModified == mapping.lastModified
            else { return }
            guard let settled = current.settledState else { return try current.delete(in: db) }
            if settled != current.state { try current.settled(as: settled).save(in: db) }
        }
    }

    /// Removes the tags of these names, then sets the others.
    ///
    /// - Throws: `MappingNotFound`, `RegistryLimitReached`.
    package func setTags(
        _ tags: [String: String],
        removing names: Set<String> = [],
        of id: MappingID
    ) async throws {
        try await change { db in
            guard let mapping = try EventSourceMapping.row(id, in: db) else {
                throw MappingNotFound(mapping: id)
            }
            let changed = try mapping.tags.removing(names).taking(tags, of: "event source mapping \(id)")
            try mapping.tagged(changed).save(in: db)
        }
    }

    /// Ties a mapping's leases to one incarnation of its stream.
    ///
    /// Leases that are about another one, a stream of the same name that was deleted, are removed: their checkpoints and
    /// finished shards mean nothing to this one.
    package func bind(_ mapping: MappingID, toIncarnation incarnation: String) async throws {
        try await database.transaction { db in
            let sql = "UPDATE mapping SET incarnation = ? WHERE id = ? AND incarnation IS NOT ?"
            try db.execute(sql: sql, arguments: [incarnation, mapping.text, incarnation])
            guard db.changesCount > 0 else { return }
            try db.execute(sql: "DELETE FROM lease WHERE application = ?", arguments: [mapping.text])
        }
    }

    /// The incarnation that a mapping's leases are tied to; `nil` while there is none, or no such mapping.
    package func incarnation(of mapping: MappingID) async throws -> String? {
        try await database.reading { db in
            try String.fetchOne(
                db,
                sql: "SELECT incarnation FROM mapping WHERE id = ?",
                arguments: [mapping.text]
            )
        }
    }

    /// Records that a worker beside the host runs the mapping as it is now, or no longer runs it.
    ///
    /// Nothing happens when the mapping is gone.
    package func noteCarriedOut(_ mapping: EventSourceMapping, by worker: WorkerID) async throws {
        try await database.transaction { db in
            try db.execute(
                sql: """
                    INSERT INTO carriedOut (mapping, worker, lastModified)
                    SELECT id, ?, ? FROM mapping WHERE id = ?
                    ON CONFLICT DO UPDATE SET lastModified = excluded.lastModified
                    """,
                arguments: [worker.text, mapping.lastModified.milliseconds, mapping.id.text]
            )
        }
    }

    /// Which change of the mapping each worker beside the host has carried out last: its `lastModified`.
    package func carriedOut(_ id: MappingID) async throws -> [WorkerID: Timestamp] {
        try await database.reading { db in
            let sql = "SELECT worker, lastModified FROM carriedOut WHERE mapping = ?"
            return try Row.fetchAll(db, sql: sql, arguments: [id.text]).reduce(into: [:]) { changes, row in
                changes[WorkerID(unchecked: row[0])] = Timestamp(milliseconds: row[1])
            }
        }
    }

    private static func changeable(_ id: MappingID, in db: Database) throws -> EventSourceMapping {
        guard let mapping = try EventSourceMapping.row(id, in: db) else { throw MappingNotFound(mapping: id) }
        guard mapping.state != .deleting else {
            throw MappingInTransition(mapping: id, state: mapping.state)
        }
        return mapping
    }

    /// Refuses a mapping that has nothing to run, or that another one stands in the way of.
    private static func check(_ mapping: EventSourceMapping, in db: Database) throws {
        let function = try RegisteredFunction.existing(mapping.function, in: db)
        guard function.definition(for: mapping.qualifier) != nil else {
            throw FunctionNotFound(function: mapping.function, qualifier: mapping.qualifier)
        }
        let other = function.mappings.first {
            $0.source.stream == mapping.source.stream && $0.qualifier == mapping.qualifier
                && $0.id != mapping.id
        }
        guard let other else { return }
        throw MappingExists(mapping: other.id, function: mapping.function, stream: mapping.source.stream)
    }
}
