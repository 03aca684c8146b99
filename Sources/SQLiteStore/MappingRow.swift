import GRDB
import StreamCore

// MARK: - The table

extension EventSourceMapping {
    private static let columns =
        "id, function, qualifier, source, state, tags, lastModified, isFromDefinition"

    /// The mappings of all functions or one, by function and stream.
    static func all(in db: Database, of function: FunctionName? = nil) throws -> [EventSourceMapping] {
        let sql = """
            SELECT \(columns) FROM mapping
            WHERE ?1 IS NULL OR function = ?1 ORDER BY function, stream, qualifier
            """
        return try Row.fetchAll(db, sql: sql, arguments: [function?.text]).map(EventSourceMapping.init)
    }

    static func row(_ id: MappingID, in db: Database) throws -> EventSourceMapping? {
        let sql = "SELECT \(columns) FROM mapping WHERE id = ?"
        return try Row.fetchOne(db, sql: sql, arguments: [id.text]).map(EventSourceMapping.init)
    }

    private init(row: Row) throws {
        let (qualifier, state): (String, String) = (row[2], row[4])
        self.init(
            id: MappingID(unchecked: row[0]),
            function: FunctionName(unchecked: row[1]),
            qualifier: qualifier.isEmpty ? nil : FunctionQualifier(unchecked: qualifier),
            source: try RegistryText.decode(row[3]),
            state: try State(column: state),
            tags: try RegistryText.decode(row[5]),
            lastModified: Timestamp(milliseconds: row[6]),
            isFromDefinition: row[7]
        )
    }

    func save(in db: Database) throws {
        let sql = """
            INSERT INTO mapping (
                id, function, qualifier, stream, source, state, tags, lastModified, isFromDefinition
            )
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (id) DO UPDATE SET
                function = excluded.function, qualifier = excluded.qualifier, source = excluded.source,
                state = excluded.state, tags = excluded.tags, lastModified = excluded.lastModified,
                isFromDefinition = excluded.isFromDefinition
            """
        try db.execute(
            sql: sql,
            arguments: [
                id.text, function.text, qualifier?.text ?? "", source.stream.text,
                try RegistryText.encode(source), state.rawValue, try RegistryText.encode(tags),
                lastModified.milliseconds, isFromDefinition,
            ]
        )
    }

    /// Removes the row with its leases and their progress; its failures stay.
    func delete(in db: Database) throws {
        try db.execute(sql: "DELETE FROM mapping WHERE id = ?", arguments: [id.text])
    }
}

extension EventSourceMapping.State {
    fileprivate init(column: String) throws {
        guard let state = Self(rawValue: column) else { throw MalformedMappingState(text: column) }
        self = state
    }
}

/// A mapping's row holds a state that is none.
struct MalformedMappingState: Error, CustomStringConvertible {
    let text: String
    var description: String { "an event source mapping has the state \"\(text)\", which is none" }
}

// MARK: - Changes

extension EventSourceMapping {
    init(
        new source: EventSource,
        of function: FunctionName,
        qualifier: FunctionQualifier? = nil,
        tags: [String: String] = [:],
        isFromDefinition: Bool,
        at now: Timestamp
    ) {
        self.init(
            id: MappingID(unchecked: RegistryText.freshID()),
            function: function,
            qualifier: qualifier == .latest ? nil : qualifier,
            source: source,
            state: .creating,
            tags: tags,
            lastModified: now,
            isFromDefinition: isFromDefinition
        )
    }

    /// The same with what is not `nil`, in the state that says what the host has to do.
    ///
    /// Under another function it no longer follows from a definition.
    func changed(
        function: FunctionName? = nil,
        qualifier: FunctionQualifier?? = nil,
        source: EventSource? = nil,
        state: State? = nil,
        at now: Timestamp
    ) -> EventSourceMapping {
        let newFunction = function ?? self.function
        let newSource = source ?? self.source
        let newQualifier = qualifier ?? self.qualifier
        return EventSourceMapping(
            id: id,
            function: newFunction,
            qualifier: newQualifier == .latest ? nil : newQualifier,
            source: newSource,
            state: state ?? transition(to: newSource),
            tags: tags,
            // Two changes in one millisecond are to be told apart, and the clock may be set back.
            lastModified: max(now, lastModified.advanced(byMilliseconds: 1)),
            isFromDefinition: isFromDefinition && newFunction == self.function
        )
    }

    private func transition(to source: EventSource) -> State {
        switch (self.source.isEnabled, source.isEnabled) {
        case (false, true): .enabling
        case (true, false): .disabling
        default: .updating
        }
    }

    func settled(as state: State) -> EventSourceMapping { copy(state: state, tags: tags) }

    func tagged(_ tags: [String: String]) -> EventSourceMapping { copy(state: state, tags: tags) }

    private func copy(state: State, tags: [String: String]) -> EventSourceMapping {
        EventSourceMapping(
            id: id,
            function: function,
            qualifier: qualifier,
            source: source,
            state: state,
            tags: tags,
            lastModified: lastModified,
            isFromDefinition: isFromDefinition
        )
    }

    func refuseOtherStart(than requested: EventSource) throws {
        guard source.startingPosition != requested.startingPosition else { return }
        throw StartingPositionIsFixed(
            function: function,
            stream: source.stream,
            registered: source.startingPosition,
            requested: requested.startingPosition
        )
    }
}
