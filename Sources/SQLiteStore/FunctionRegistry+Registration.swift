import GRDB
package import StreamCore

extension FunctionRegistry {
    /// Registers all of the functions or, when it throws, none.
    ///
    /// Others that are registered stay. A function that is new is pending until it has started; of one that is registered
    /// already, changed code or settings become the candidate. Its event sources take effect at once. Repeating is safe
    /// and changes nothing.
    ///
    /// The mapping to a stream keeps its identity, and so its checkpoints, for as long as the definition names that stream;
    /// the mapping to a stream that is named no longer is removed with its leases. Where a mapping starts is settled when
    /// it is made. What was changed of a mapping through Lambda's API stays until its event source changes here; mappings
    /// that were made there are left alone.
    ///
    /// - Parameter renewingCode: The code may have changed though the definition did not: every function of the set
    ///   counts as changed.
    /// - Throws: `DuplicateFunction` or `DuplicateEventSource` when the set contradicts itself; `StartingPositionIsFixed`
    ///   when a function that is registered shall start elsewhere in a stream; `MappingExists` when a mapping was made
    ///   through Lambda's API to a stream that the definition names.
    package func register(_ definitions: [FunctionDefinition], renewingCode: Bool = false) async throws {
        try Self.validate(definitions)
        let now = now()
        try await change { db in
            for definition in definitions {
                try Self.register(definition, at: now, renewing: renewingCode, in: db)
            }
        }
    }

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

    private static func register(
        _ definition: FunctionDefinition,
        at now: Timestamp,
        renewing: Bool,
        in db: Database
    ) throws {
        guard var row = try FunctionRow.named(definition.name, in: db) else {
            try FunctionRow(new: definition, at: now).save(in: db)
            return try storeMappings(of: definition, formerly: [], at: now, in: db)
        }
        let former = row.definition.eventSources
        let isOtherCode = (row.candidate ?? row.definition) != definition.with(eventSources: former)
        guard isOtherCode || renewing || former != definition.eventSources else { return }

        if isOtherCode || renewing { row.change(to: definition, at: now) }
        row.setEventSources(definition.eventSources)
        row.lastModified = now
        try row.save(in: db)
        try storeMappings(of: definition, formerly: former, at: now, in: db)
    }

    private static func storeMappings(
        of definition: FunctionDefinition,
        formerly former: [EventSource],
        at now: Timestamp,
        in db: Database
    ) throws {
        let mappings = try EventSourceMapping.all(in: db, of: definition.name)
        for mapping in mappings.filter(\.isFromDefinition) {
            let isNamed = definition.eventSources.contains { $0.stream == mapping.source.stream }
            if !isNamed { try mapping.delete(in: db) }
        }
        for source in definition.eventSources {
            let sameStream = mappings.filter { $0.source.stream == source.stream }
            if let mapping = sameStream.first(where: \.isFromDefinition), mapping.state != .deleting {
                try mapping.refuseOtherStart(than: source)
                guard !former.contains(source) else { continue }
                try mapping.changed(source: source, at: now).save(in: db)
            } else {
                let inTheWay = sameStream.filter { $0.isFromDefinition || $0.qualifier == nil }
                try makeMapping(to: source, of: definition.name, insteadOf: inTheWay, at: now, in: db)
            }
        }
    }

    private static func makeMapping(
        to source: EventSource,
        of function: FunctionName,
        insteadOf inTheWay: [EventSourceMapping],
        at now: Timestamp,
        in db: Database
    ) throws {
        for mapping in inTheWay {
            guard mapping.state == .deleting else {
                throw MappingExists(mapping: mapping.id, function: function, stream: source.stream)
            }
            // Whoever still runs it loses its leases with the row.
            try mapping.delete(in: db)
        }
        try EventSourceMapping(new: source, of: function, isFromDefinition: true, at: now).save(in: db)
    }
}
