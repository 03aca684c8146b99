import GRDB
import StreamCore

extension RegisteredFunction {
    /// All functions or one, with what belongs to them, by name.
    static func all(in db: Database, named name: FunctionName? = nil) throws -> [RegisteredFunction] {
        let rows = try FunctionRow.all(in: db, named: name)
        let versions = try FunctionVersion.all(in: db, of: name)
        let aliases = try FunctionAlias.all(in: db, of: name)
        let mappings = Dictionary(grouping: try EventSourceMapping.all(in: db, of: name), by: \.function)
        return rows.map { row in
            RegisteredFunction(
                definition: row.definition,
                candidate: row.candidate,
                lastModified: row.lastModified,
                revisionID: row.revision,
                state: row.state,
                lastUpdate: row.lastUpdate,
                reservedConcurrency: row.reservedConcurrency,
                tags: row.tags,
                versions: versions[row.name] ?? [],
                aliases: aliases[row.name] ?? [],
                mappings: mappings[row.name] ?? []
            )
        }
    }

    static func existing(_ name: FunctionName, in db: Database) throws -> RegisteredFunction {
        guard let function = try all(in: db, named: name).first else {
            throw FunctionNotFound(function: name)
        }
        return function
    }
}

extension FunctionVersion {
    /// The versions of all functions or one, in order of their numbers.
    static func all(in db: Database, of name: FunctionName?) throws -> [FunctionName: [FunctionVersion]] {
        let sql = """
            SELECT function, number, definition, published, revision FROM functionVersion
            WHERE ?1 IS NULL OR function = ?1 ORDER BY function, number
            """
        return try Row.fetchAll(db, sql: sql, arguments: [name?.text]).reduce(into: [:]) { versions, row in
            let version = FunctionVersion(
                number: row[1],
                definition: try RegistryText.decode(row[2]),
                published: Timestamp(milliseconds: row[3]),
                revisionID: row[4]
            )
            versions[FunctionName(unchecked: row[0]), default: []].append(version)
        }
    }

    func insert(into function: FunctionName, in db: Database) throws {
        try db.execute(
            sql: """
                INSERT INTO functionVersion (function, number, definition, published, revision)
                VALUES (?, ?, ?, ?, ?)
                """,
            arguments: [
                function.text, number, try RegistryText.encode(definition), published.milliseconds,
                revisionID,
            ]
        )
    }
}

extension FunctionAlias {
    /// The aliases of all functions or one, in order of their names.
    static func all(in db: Database, of name: FunctionName?) throws -> [FunctionName: [FunctionAlias]] {
        let sql = """
            SELECT function, name, version, description, revision FROM functionAlias
            WHERE ?1 IS NULL OR function = ?1 ORDER BY function, name
            """
        return try Row.fetchAll(db, sql: sql, arguments: [name?.text]).reduce(into: [:]) { aliases, row in
            let alias = FunctionAlias(
                name: FunctionQualifier(unchecked: row[1]),
                version: FunctionQualifier(unchecked: row[2]),
                description: row[3],
                revisionID: row[4]
            )
            aliases[FunctionName(unchecked: row[0]), default: []].append(alias)
        }
    }

    func save(of function: FunctionName, in db: Database) throws {
        try db.execute(
            sql: """
                INSERT INTO functionAlias (function, name, version, description, revision) VALUES (?, ?, ?, ?, ?)
                ON CONFLICT DO UPDATE SET
                    version = excluded.version, description = excluded.description, revision = excluded.revision
                """,
            arguments: [function.text, name.text, version.text, description, revisionID]
        )
    }
}
