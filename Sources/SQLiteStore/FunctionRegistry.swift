import Foundation
import GRDB
package import StreamCore

/// The functions that are registered, and the event source mappings that follow from them.
///
/// Every change is on disk, safe from power failures, when its call returns.
package struct FunctionRegistry: Sendable {
    private let database: SQLiteDatabase
    private let now: @Sendable () -> Timestamp
    private let observers = RegistryObservers()

    /// - Parameter now: The wall clock, for `lastModified`.
    package init(
        _ database: SQLiteDatabase,
        now: @escaping @Sendable () -> Timestamp = FunctionRegistry.wallClock
    ) {
        self.database = database
        self.now = now
    }

    package static let wallClock: @Sendable () -> Timestamp = {
        Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
    }

    /// Registers all of the functions or, when it throws, none.
    ///
    /// Others that are registered stay. A function that is registered already takes the new definition. Its mapping
    /// to a stream keeps its identity, and so its checkpoints, for as long as the definition names that stream; the
    /// mapping to a stream that is named no longer is removed with its leases. Repeating is safe and changes nothing.
    /// Where a mapping starts is settled when it is made.
    ///
    /// - Parameter renewingCode: The code may have changed though the definition did not: every function of the set
    ///   counts as modified.
    /// - Throws: `DuplicateFunction` or `DuplicateEventSource` when the set contradicts itself; `StartingPositionIsFixed`
    ///   when a function that is registered shall start elsewhere in a stream; `StoreUnavailable`.
    package func register(_ definitions: [FunctionDefinition], renewingCode: Bool = false) async throws {
        try Self.validate(definitions)
        let now = now()
        let isChanged = try await database.transaction(.powerLoss) { db in
            try definitions.reduce(false) {
                try Self.store($1, at: now, renewing: renewingCode, in: db) || $0
            }
        }
        if isChanged { observers.notify() }
    }

    /// Removes a function with its mappings and their leases.
    ///
    /// - Returns: `false` when there is no such function.
    @discardableResult
    package func remove(_ name: FunctionName) async throws -> Bool {
        let isRemoved = try await database.transaction(.powerLoss) { db in
            try db.execute(sql: "DELETE FROM function WHERE name = ?", arguments: [name.text])
            return db.changesCount > 0
        }
        if isRemoved { observers.notify() }
        return isRemoved
    }

    /// All functions, by name.
    package func functions() async throws -> [RegisteredFunction] {
        try await database.transaction { db in
            let mappings = Dictionary(grouping: try Self.mappings(in: db), by: \.function)
            return try Row.fetchAll(db, sql: "SELECT definition, lastModified FROM function ORDER BY name")
                .map { try RegisteredFunction(row: $0, mappings: mappings) }
        }
    }

    package func function(named name: FunctionName) async throws -> RegisteredFunction? {
        try await functions().first { $0.definition.name == name }
    }

    /// All mappings, by function and stream.
    package func mappings() async throws -> [EventSourceMapping] {
        try await database.transaction { db in try Self.mappings(in: db) }
    }

    private static func mappings(in db: Database) throws -> [EventSourceMapping] {
        try Row.fetchAll(db, sql: "SELECT id, function, source FROM mapping ORDER BY function, stream")
            .map(EventSourceMapping.init)
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

    /// Tells when to read functions and mappings again: at once, and after changes made through this registry.
    ///
    /// Several changes may be one element. Ends when the task that iterates is cancelled.
    package func changes() -> AsyncStream<Void> { observers.stream() }
}

/// Two functions of one set have the same name.
package struct DuplicateFunction: Error, Hashable, CustomStringConvertible {
    package let name: FunctionName
    package var description: String { "function \(name) is defined twice" }
}

/// Two event sources of one function name the same stream.
package struct DuplicateEventSource: Error, Hashable, CustomStringConvertible {
    package let function: FunctionName
    package let stream: StreamName
    package var description: String { "function \(function) names stream \(stream) in two event sources" }
}

/// A definition names another starting position than its mapping was made with.
///
/// The mapping has checkpoints since then, so the new position would have no effect.
package struct StartingPositionIsFixed: Error, Hashable, CustomStringConvertible {
    package let function: FunctionName
    package let stream: StreamName
    package let registered: StartingPosition
    package let requested: StartingPosition

    package var description: String {
        "function \(function) is registered to start in stream \(stream) at \(registered.shown), "
            + "which cannot be changed to \(requested.shown): "
            + "remove the function and register it again to start anew"
    }
}

extension StartingPosition {
    fileprivate var shown: String {
        guard case .atTimestamp(let time) = self else { return name }
        let (seconds, milliseconds) = time.milliseconds.quotientAndRemainder(dividingBy: 1000)
        let fraction = milliseconds == 0 ? "" : ".\(String(1000 + milliseconds).dropFirst())"
        return "\(name) \(seconds)\(fraction)"
    }
}

extension FunctionRegistry {
    private static func validate(_ definitions: [FunctionDefinition]) throws {
        var names: Set<FunctionName> = []
        for definition in definitions {
            guard names.insert(definition.name).inserted else {
                throw DuplicateFunction(name: definition.name)
            }
            var streams: Set<StreamName> = []
            for source in definition.eventSources where !streams.insert(source.stream).inserted {
                throw DuplicateEventSource(function: definition.name, stream: source.stream)
            }
        }
    }

    /// - Returns: Whether the function is new or another than before.
    private static func store(
        _ definition: FunctionDefinition,
        at now: Timestamp,
        renewing: Bool,
        in db: Database
    ) throws -> Bool {
        // Sorted keys make equal definitions equal texts.
        let json = try json(definition)
        let sql = """
            INSERT INTO function (name, definition, lastModified) VALUES (?, ?, ?)
            ON CONFLICT DO UPDATE SET definition = excluded.definition, lastModified = excluded.lastModified
            WHERE definition <> excluded.definition OR ?
            """
        try db.execute(sql: sql, arguments: [definition.name.text, json, now.milliseconds, renewing])
        guard db.changesCount > 0 else { return false }
        try storeMappings(of: definition, in: db)
        return true
    }

    private static func storeMappings(of definition: FunctionDefinition, in db: Database) throws {
        let streams = try LeaseSQL.jsonArray(definition.eventSources.map(\.stream.text))
        try db.execute(
            sql: "DELETE FROM mapping WHERE function = ? AND stream NOT IN (SELECT value FROM json_each(?))",
            arguments: [definition.name.text, streams]
        )
        try refuseOtherStarts(of: definition, in: db)
        for source in definition.eventSources {
            let sql = """
                INSERT INTO mapping (id, function, stream, source) VALUES (?, ?, ?, ?)
                ON CONFLICT (function, stream) DO UPDATE SET source = excluded.source
                """
            let id = UUID().uuidString.lowercased()
            try db.execute(
                sql: sql,
                arguments: [id, definition.name.text, source.stream.text, try json(source)]
            )
        }
    }

    private static func refuseOtherStarts(of definition: FunctionDefinition, in db: Database) throws {
        let registered = try mappings(in: db).filter { $0.function == definition.name }.map(\.source)
        for source in definition.eventSources {
            guard let former = registered.first(where: { $0.stream == source.stream }),
                former.startingPosition != source.startingPosition
            else { continue }
            throw StartingPositionIsFixed(
                function: definition.name,
                stream: source.stream,
                registered: former.startingPosition,
                requested: source.startingPosition
            )
        }
    }

    private static func json(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}

extension RegisteredFunction {
    fileprivate init(row: Row, mappings: [FunctionName: [EventSourceMapping]]) throws {
        let json = Data((row[0] as String).utf8)
        let definition = try JSONDecoder().decode(FunctionDefinition.self, from: json)
        self.init(
            definition: definition,
            lastModified: Timestamp(milliseconds: row[1]),
            mappings: mappings[definition.name] ?? []
        )
    }
}

extension EventSourceMapping {
    fileprivate init(row: Row) throws {
        let json: String = row[2]
        self.init(
            id: MappingID(unchecked: row[0]),
            function: FunctionName(unchecked: row[1]),
            source: try JSONDecoder().decode(EventSource.self, from: Data(json.utf8))
        )
    }
}
