import Coordination
import DynamoDBStore
import Foundation
import KinesisWire
import Logging
import SQLiteStore
import ServiceLifecycle
import StreamCore

extension WorkerBackend {
    // MARK: - Leases in DynamoDB

    static func leaseTable(
        _ table: LeaseTable,
        _ origin: WorkerSettings.Origin,
        in directory: String?,
        _ settings: WorkerSettings,
        clock: any Clock<Duration>,
        logger: Logger
    ) throws -> WorkerBackend {
        if let directory { try refuseHost(of: directory) }
        let definitions = try definitions(origin, settings.names)
        let mapping = try SharedMapping(of: definitions, table, origin)
        let application = try DynamoDBApplication(
            table.application,
            mapping: mapping.id,
            client: table.client(caFile: settings.access.caFile, clock: clock),
            clock: clock,
            now: FunctionRegistry.wallClock
        )
        let stored = WakeSignal()
        let connection = KinesisConnection(origin, settings, clock: clock, logger: logger)
        let folder: String
        let own: WorkerFolder?
        if let directory {
            (folder, own) = (directory, nil)
        } else {
            let made = try WorkerFolder()
            (folder, own) = (made.path, made)
        }
        // Only what this process runs: who has which shard, and how far, is in the table.
        let registry = FunctionRegistry(try SQLiteDatabase(directory: folder))
        let workers = DynamoDBWorkerStore(application)
        let roster = WorkerRoster(worker: settings.name, store: workers, clock: clock, logger: logger)
        let leader = KCLLeader(application)
        let outbox = RosterOutbox(
            roster: roster,
            outbox: outbox(
                DynamoDBFailureStore(application),
                stored: stored,
                connection,
                settings,
                logger: logger
            ),
            clock: clock
        )
        return WorkerBackend(
            directory: folder,
            ownFolder: own,
            registry: registry,
            role: .keeper(
                KeeperDuties(definitions: definitions, collectCode: {}, waitsForWorkers: false)
            ),
            isRegistryShared: false,
            leases: DynamoDBLeaseStore(
                application,
                startTimestamp: mapping.startTimestamp,
                failureStored: stored
            ),
            workers: workers,
            roster: roster,
            // A fleet of KCL's that has a leader leaves the choice to it.
            planning: { try await leader.leader() == nil ? .own : .following },
            streams: KinesisStreams(connection: connection, fanOut: origin.fanOut),
            identify: { mapping.identify($0) },
            presence: nil,
            services: [outbox],
            prepare: {
                try await prepare(application, mapping, table)
                try await refuseSharedName(settings.name, in: workers, clock: clock)
            }
        )
    }

    private static func prepare(
        _ application: DynamoDBApplication,
        _ mapping: SharedMapping,
        _ table: LeaseTable
    ) async throws {
        do {
            try await application.prepare(function: mapping.function, stream: mapping.stream)
        } catch let taken as ApplicationTaken {
            throw CommandFailure(
                "\(taken)",
                hint:
                    "give this function and stream an application of its own: dynamodb://\(table.region)/NAME"
            )
        } catch let foreign as ForeignTable {
            throw CommandFailure("\(foreign)", hint: "name an application that has no such table")
        }
    }

    /// Two workers of one name would take the same leases from each other again and again.
    ///
    /// One that was killed may have left its row: whether it lives is watched for the failover time.
    private static func refuseSharedName(
        _ name: WorkerID,
        in workers: any WorkerStore,
        clock: any Clock<Duration>
    ) async throws {
        let find = { try await workers.workers().first { $0.worker == name } }
        guard let first = try await find(), !first.report.hasEndedHere else { return }
        let stopwatch = Stopwatch(clock: clock)
        while stopwatch.elapsed < LeaseTiming().failover {
            try await clock.sleep(for: .seconds(1))
            guard let now = try await find() else { return }
            guard now.counter == first.counter else {
                throw CommandFailure(
                    "a worker of the name \(name) lives already, \(now.report.whereabouts)",
                    hint: "give this worker another --name"
                )
            }
        }
    }
}

extension WorkerReport {
    /// It was a process of this machine, and is no more.
    fileprivate var hasEndedHere: Bool {
        guard processID > 0, host == ProcessInfo.processInfo.hostName else { return false }
        return kill(pid_t(processID), 0) != 0 && errno == ESRCH
    }

    fileprivate var whereabouts: String {
        processID == 0 ? "as one of KCL's" : "on \(host) as process \(processID)"
    }
}

/// The one mapping whose leases an application of KCL's keeps, under a name that it has on every machine.
private struct SharedMapping {
    let id: MappingID
    let function: FunctionName
    let stream: StreamName
    /// Where it starts, when that is a time.
    let startTimestamp: Timestamp?

    /// - Throws: `CommandFailure` when the functions have none, or several.
    init(
        of definitions: [FunctionDefinition],
        _ table: LeaseTable,
        _ origin: WorkerSettings.Origin
    ) throws {
        let mappings = definitions.flatMap { function in
            function.eventSources.filter(\.isEnabled).map { (function: function.name, source: $0) }
        }
        guard let (function, source) = mappings.first, mappings.count == 1 else {
            let found =
                mappings.isEmpty
                ? "none that is enabled"
                : mappings.map { "\($0.function) on \($0.source.stream)" }.joined(separator: ", ")
            throw CommandFailure(
                "application \(table.application) keeps the leases of one mapping, and \(origin.functions) has \(found)",
                hint:
                    "keep the function of each stream in a folder of its own, with an application of its own"
            )
        }
        id = Self.id(of: function, on: source.stream)
        (self.function, stream) = (function, source.stream)
        startTimestamp = if case .atTimestamp(let time) = source.startingPosition { time } else { nil }
    }

    /// The mapping as every worker names it, whatever this one's registry has called it.
    func identify(_ mapping: EventSourceMapping) -> EventSourceMapping {
        EventSourceMapping(
            id: id,
            function: mapping.function,
            qualifier: mapping.qualifier,
            source: mapping.source,
            state: mapping.state,
            tags: mapping.tags,
            lastModified: mapping.lastModified,
            isFromDefinition: mapping.isFromDefinition
        )
    }

    private static func id(of function: FunctionName, on stream: StreamName) -> MappingID {
        let hash = String(HashKey.of("\(function)\n\(stream)"), radix: 16)
        let digits = String(repeating: "0", count: 32 - hash.count) + hash
        var rest = Substring(digits)
        let groups = [8, 4, 4, 4, 12].map { count in
            defer { rest = rest.dropFirst(count) }
            return String(rest.prefix(count))
        }
        return MappingID(unchecked: groups.joined(separator: "-"))
    }
}
