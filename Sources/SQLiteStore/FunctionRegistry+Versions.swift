import Foundation
import GRDB
package import StreamCore

extension FunctionRegistry {
    /// Publishes what the function is now.
    ///
    /// - Parameters:
    ///   - description: Of the version; `nil` takes the function's.
    ///   - sha256: Publishes only this code.
    /// - Returns: A new version; the last one when it runs the same code in the same way, as Lambda does.
    /// - Throws: `FunctionNotFound`, `RevisionMismatch`, `CodeMismatch`, `RegistryLimitReached`; `UpdateInProgress` while it is
    ///   not known what the function will be.
    package func publishVersion(
        of name: FunctionName,
        description: String? = nil,
        ifRevision revision: String? = nil,
        ifCodeSHA256 sha256: String? = nil
    ) async throws -> FunctionVersion {
        let now = now()
        return try await change { db in
            var row = try FunctionRow.existing(name, in: db)
            try row.require(revision: revision)
            if let sha256, row.definition.code?.sha256 != sha256 {
                throw CodeMismatch(
                    function: name,
                    current: row.definition.code?.sha256,
                    requested: sha256
                )
            }
            guard row.candidate == nil else { throw UpdateInProgress(function: name) }
            return try Self.publish(row.definition, of: &row, description: description, at: now, in: db)
        }
    }

    static func publish(
        _ definition: FunctionDefinition,
        of row: inout FunctionRow,
        description: String?,
        at now: Timestamp,
        in db: Database
    ) throws -> FunctionVersion {
        let versions = try FunctionVersion.all(in: db, of: row.name)[row.name] ?? []
        if let last = versions.last, last.definition.runsLike(definition) { return last }
        guard versions.count < RegistryLimits.versionsOfFunction else {
            throw RegistryLimitReached(
                "versions of function \(row.name)",
                limit: RegistryLimits.versionsOfFunction
            )
        }
        // The number of a version that was removed is not given again.
        row.lastVersion += 1
        try row.save(in: db)
        let version = FunctionVersion(
            number: row.lastVersion,
            definition: definition.with(description: description, eventSources: []),
            published: now,
            revisionID: RegistryText.freshID()
        )
        try version.insert(into: row.name, in: db)
        return version
    }

    /// - Returns: `false` when there is no such version.
    /// - Throws: `FunctionNotFound`; `QualifierInUse` when an alias or a mapping leads to it.
    @discardableResult
    package func removeVersion(_ number: Int, of name: FunctionName) async throws -> Bool {
        try await change { db in
            _ = try FunctionRow.existing(name, in: db)
            try Self.refuseIfUsed(FunctionQualifier(unchecked: String(number)), of: name, in: db)
            let sql = "DELETE FROM functionVersion WHERE function = ? AND number = ?"
            try db.execute(sql: sql, arguments: [name.text, number])
            return db.changesCount > 0
        }
    }

    private static func refuseIfUsed(
        _ qualifier: FunctionQualifier,
        of name: FunctionName,
        in db: Database
    ) throws {
        let aliases = (try FunctionAlias.all(in: db, of: name)[name] ?? []).filter { $0.version == qualifier }
        let mappings = try EventSourceMapping.all(in: db, of: name).filter { $0.qualifier == qualifier }
        guard aliases.isEmpty, mappings.isEmpty else {
            throw QualifierInUse(
                function: name,
                qualifier: qualifier,
                aliases: aliases.map(\.name),
                mappings: mappings.map(\.id)
            )
        }
    }
}

// MARK: - Aliases

extension FunctionRegistry {
    /// Adds an alias; its `revisionID` is made here.
    ///
    /// - Throws: `FunctionNotFound`, also for its version; `AliasExists`; `RegistryLimitReached`.
    @discardableResult
    package func createAlias(_ alias: FunctionAlias, of name: FunctionName) async throws -> FunctionAlias {
        precondition(alias.name.isAlias, "an alias is neither a number nor $LATEST")
        return try await change { db in
            _ = try FunctionRow.existing(name, in: db)
            let aliases = try FunctionAlias.all(in: db, of: name)[name] ?? []
            guard !aliases.contains(where: { $0.name == alias.name }) else {
                throw AliasExists(function: name, alias: alias.name)
            }
            guard aliases.count < RegistryLimits.aliasesOfFunction else {
                throw RegistryLimitReached(
                    "aliases of function \(name)",
                    limit: RegistryLimits.aliasesOfFunction
                )
            }
            return try Self.store(alias, of: name, in: db)
        }
    }

    /// Points an alias elsewhere, or describes it anew; what is `nil` stays.
    ///
    /// - Throws: `FunctionNotFound`, also for the alias or its version; `RevisionMismatch`.
    @discardableResult
    package func updateAlias(
        _ alias: FunctionQualifier,
        of name: FunctionName,
        version: FunctionQualifier? = nil,
        description: String? = nil,
        ifRevision revision: String? = nil
    ) async throws -> FunctionAlias {
        try await change { db in
            let aliases = try FunctionAlias.all(in: db, of: name)[name] ?? []
            guard let current = aliases.first(where: { $0.name == alias }) else {
                throw FunctionNotFound(function: name, qualifier: alias)
            }
            if let revision, revision != current.revisionID {
                throw RevisionMismatch(function: name, current: current.revisionID, requested: revision)
            }
            let changed = FunctionAlias(
                name: alias,
                version: version ?? current.version,
                description: description ?? current.description
            )
            return try Self.store(changed, of: name, in: db)
        }
    }

    /// - Returns: `false` when there is no such alias.
    /// - Throws: `FunctionNotFound`; `QualifierInUse` when a mapping runs it.
    @discardableResult
    package func removeAlias(_ alias: FunctionQualifier, of name: FunctionName) async throws -> Bool {
        try await change { db in
            _ = try FunctionRow.existing(name, in: db)
            try Self.refuseIfUsed(alias, of: name, in: db)
            let sql = "DELETE FROM functionAlias WHERE function = ? AND name = ?"
            try db.execute(sql: sql, arguments: [name.text, alias.text])
            return db.changesCount > 0
        }
    }

    private static func store(
        _ alias: FunctionAlias,
        of name: FunctionName,
        in db: Database
    ) throws -> FunctionAlias {
        let function = try RegisteredFunction.existing(name, in: db)
        // An alias of an alias is none of Lambda's.
        guard !alias.version.isAlias, function.definition(for: alias.version) != nil else {
            throw FunctionNotFound(function: name, qualifier: alias.version)
        }
        let stored = FunctionAlias(
            name: alias.name,
            version: alias.version,
            description: alias.description,
            revisionID: RegistryText.freshID()
        )
        try stored.save(of: name, in: db)
        return stored
    }
}

extension FunctionQualifier {
    fileprivate var isAlias: Bool { self != .latest && versionNumber == nil }
}
