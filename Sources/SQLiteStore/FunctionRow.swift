import Foundation
import GRDB
import StreamCore

/// A row of the table `function`.
struct FunctionRow: Hashable {
    var definition: FunctionDefinition
    var candidate: FunctionDefinition?
    var lastModified: Timestamp
    var revision: String
    var state: FunctionState
    var lastUpdate: FunctionUpdate
    var reservedConcurrency: Int?
    var tags: [String: String]
    /// The largest number that was ever given to a version.
    var lastVersion: Int

    init(new definition: FunctionDefinition, at now: Timestamp) {
        self.definition = definition
        lastModified = now
        revision = RegistryText.freshID()
        state = .pending
        lastUpdate = .successful
        tags = [:]
        lastVersion = 0
    }

    var name: FunctionName { definition.name }

    func require(revision: String?) throws {
        guard let revision, revision != self.revision else { return }
        throw RevisionMismatch(function: name, current: self.revision, requested: revision)
    }

    /// Has another definition wait for its start.
    ///
    /// Before the first start there is nothing to keep running meanwhile.
    mutating func change(to definition: FunctionDefinition, at now: Timestamp) {
        switch state {
        case .active:
            candidate = definition
            lastUpdate = .inProgress
        case .pending:
            self.definition = definition
        case .failed:
            self.definition = definition
            state = .pending
            lastUpdate = .inProgress
        }
        lastModified = now
        revision = RegistryText.freshID()
    }

    /// Event sources are no part of what starts or fails to: both definitions take them at once.
    mutating func setEventSources(_ sources: [EventSource]) {
        definition = definition.with(eventSources: sources)
        candidate = candidate?.with(eventSources: sources)
    }

    mutating func settle(startFailure: String?) {
        if let candidate {
            if startFailure == nil { definition = candidate }
            self.candidate = nil
            lastUpdate = startFailure.map { .failed(reason: $0) } ?? .successful
        } else if state != .active {
            state = startFailure.map { .failed(reason: $0) } ?? .active
            if lastUpdate == .inProgress {
                lastUpdate = startFailure.map { .failed(reason: $0) } ?? .successful
            }
        }
    }
}

// MARK: - The table

extension FunctionRow {
    /// The rows of all functions or one, by name.
    static func all(in db: Database, named name: FunctionName? = nil) throws -> [FunctionRow] {
        let sql = """
            SELECT definition, candidate, lastModified, revision, state, lastUpdate, reservedConcurrency, tags,
                lastVersion
            FROM function WHERE ?1 IS NULL OR name = ?1 ORDER BY name
            """
        return try Row.fetchAll(db, sql: sql, arguments: [name?.text]).map(FunctionRow.init)
    }

    static func named(_ name: FunctionName, in db: Database) throws -> FunctionRow? {
        try all(in: db, named: name).first
    }

    static func existing(_ name: FunctionName, in db: Database) throws -> FunctionRow {
        guard let row = try named(name, in: db) else { throw FunctionNotFound(function: name) }
        return row
    }

    private init(row: Row) throws {
        definition = try RegistryText.decode(row[0])
        candidate = try (row[1] as String?).map { try RegistryText.decode($0) }
        lastModified = Timestamp(milliseconds: row[2])
        revision = row[3]
        state = try RegistryText.decode(row[4])
        lastUpdate = try RegistryText.decode(row[5])
        reservedConcurrency = row[6]
        tags = try RegistryText.decode(row[7])
        lastVersion = row[8]
    }

    func save(in db: Database) throws {
        let sql = """
            INSERT INTO function (
                name, definition, candidate, lastModified, revision, state, lastUpdate, reservedConcurrency, tags,
                lastVersion
            )
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET
                definition = excluded.definition, candidate = excluded.candidate,
                lastModified = excluded.lastModified, revision = excluded.revision, state = excluded.state,
                lastUpdate = excluded.lastUpdate, reservedConcurrency = excluded.reservedConcurrency,
                tags = excluded.tags, lastVersion = excluded.lastVersion
            """
        try db.execute(
            sql: sql,
            arguments: [
                name.text, try RegistryText.encode(definition), try candidate.map(RegistryText.encode),
                lastModified.milliseconds, revision, try RegistryText.encode(state),
                try RegistryText.encode(lastUpdate), reservedConcurrency, try RegistryText.encode(tags),
                lastVersion,
            ]
        )
    }
}

/// How the registry writes values into columns.
enum RegistryText {
    /// A fresh UUID in lower case.
    static func freshID() -> String { UUID().uuidString.lowercased() }

    /// JSON with sorted keys: equal values are equal texts.
    static func encode(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    static func decode<Value: Decodable>(_ text: String) throws -> Value {
        try JSONDecoder().decode(Value.self, from: Data(text.utf8))
    }
}

extension FunctionDefinition {
    /// Whether both run the same code in the same way.
    func runsLike(_ other: FunctionDefinition) -> Bool {
        with(description: "", eventSources: []) == other.with(description: "", eventSources: [])
    }

    /// The same with what is not `nil`.
    func with(description: String? = nil, eventSources: [EventSource]? = nil) -> FunctionDefinition {
        FunctionDefinition(
            name: name,
            runtime: runtime,
            handler: handler,
            codeDirectory: codeDirectory,
            code: code,
            description: description ?? self.description,
            role: role,
            timeoutSeconds: timeoutSeconds,
            memoryMegabytes: memoryMegabytes,
            environment: environment,
            concurrencyLimit: concurrencyLimit,
            eventSources: eventSources ?? self.eventSources
        )
    }
}
