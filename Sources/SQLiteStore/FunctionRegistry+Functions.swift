import GRDB
package import StreamCore

extension FunctionRegistry {
    /// Adds a function, pending until it has started.
    ///
    /// - Parameter publish: Whether it is published as version 1.
    /// - Throws: `FunctionExists`, `RegistryLimitReached`.
    package func create(
        _ definition: FunctionDefinition,
        tags: [String: String] = [:],
        publish: Bool = false
    ) async throws -> RegisteredFunction {
        precondition(definition.eventSources.isEmpty, "mappings of a created function are made by themselves")
        let now = now()
        return try await change { db in
            guard try FunctionRow.named(definition.name, in: db) == nil else {
                throw FunctionExists(function: definition.name)
            }
            var row = FunctionRow(new: definition, at: now)
            row.tags = try [:].taking(tags, of: "function \(definition.name)")
            try row.save(in: db)
            if publish { _ = try Self.publish(definition, of: &row, description: nil, at: now, in: db) }
            return try RegisteredFunction.existing(definition.name, in: db)
        }
    }

    /// Makes the changed definition the candidate, or of a function that has never started, its definition.
    ///
    /// Its name and event sources stay.
    /// - Parameter publish: Whether the changed definition is published, also when it turns out not to start.
    /// - Throws: `FunctionNotFound`; `RevisionMismatch`; `UpdateInProgress` while an earlier change, or the function itself,
    ///   waits for its start; whatever `change` throws.
    package func update(
        _ name: FunctionName,
        ifRevision revision: String? = nil,
        publish: Bool = false,
        _ change: @escaping @Sendable (FunctionDefinition) throws -> FunctionDefinition
    ) async throws -> RegisteredFunction {
        let now = now()
        return try await self.change { db in
            var row = try FunctionRow.existing(name, in: db)
            try row.require(revision: revision)
            guard row.candidate == nil, row.state != .pending else { throw UpdateInProgress(function: name) }
            let sources = row.definition.eventSources
            let changed = try change(row.definition).with(eventSources: sources)
            precondition(changed.name == name, "an update does not rename a function")
            row.change(to: changed, at: now)
            try row.save(in: db)
            if publish { _ = try Self.publish(changed, of: &row, description: nil, at: now, in: db) }
            return try RegisteredFunction.existing(name, in: db)
        }
    }

    /// Records whether the code of this revision started.
    ///
    /// A function that was pending becomes active or failed; a candidate takes over, or is dropped and the function's last
    /// update says why. A revision that is no longer current changes nothing, nor does a start that comes later.
    /// - Parameter startFailure: `nil` for a start.
    package func settle(_ name: FunctionName, revision: String, startFailure: String?) async throws {
        try await change { db in
            guard var row = try FunctionRow.named(name, in: db), row.revision == revision else { return }
            let before = row
            row.settle(startFailure: startFailure?.prefixOfUTF8(RegistryLimits.reasonBytes))
            if row != before { try row.save(in: db) }
        }
    }

    /// - Parameter limit: Most processes at a time; `nil` leaves it to the definition.
    /// - Throws: `FunctionNotFound`.
    package func setReservedConcurrency(_ limit: Int?, of name: FunctionName) async throws {
        try await change { db in
            var row = try FunctionRow.existing(name, in: db)
            guard row.reservedConcurrency != limit else { return }
            row.reservedConcurrency = limit
            try row.save(in: db)
        }
    }

    /// Removes the tags of these names, then sets the others.
    ///
    /// - Throws: `FunctionNotFound`, `RegistryLimitReached`.
    package func setTags(
        _ tags: [String: String],
        removing names: Set<String> = [],
        of function: FunctionName
    ) async throws {
        try await change { db in
            var row = try FunctionRow.existing(function, in: db)
            row.tags = try row.tags.removing(names).taking(tags, of: "function \(function)")
            try row.save(in: db)
        }
    }

    /// Removes a function with all it has: versions, aliases, mappings and their leases.
    ///
    /// What runs of it ends when the host learns of the change; its workers can no longer move anything.
    /// - Returns: `false` when there is no such function.
    @discardableResult
    package func remove(_ name: FunctionName) async throws -> Bool {
        try await change { db in
            try db.execute(sql: "DELETE FROM function WHERE name = ?", arguments: [name.text])
            return db.changesCount > 0
        }
    }
}

extension [String: String] {
    func removing(_ names: Set<String>) -> [String: String] { filter { !names.contains($0.key) } }

    func taking(_ tags: [String: String], of owner: String) throws -> [String: String] {
        let all = merging(tags) { $1 }
        guard all.count <= RegistryLimits.tags else {
            throw RegistryLimitReached("tags of \(owner)", limit: RegistryLimits.tags)
        }
        return all
    }
}
