import AWSClient
import Coordination
import FailureDestinations
import Foundation
import FunctionManifest
import KinesisSource
import KinesisWire
import Logging
import SQLiteStore
import ServiceLifecycle
import StreamCore

extension WorkerBackend {
    /// - Throws: `CommandFailure` when the place is not one to work at.
    init(_ settings: WorkerSettings, clock: any Clock<Duration>, logger: Logger) throws {
        switch settings.place {
        case .besideHost(let directory):
            self = try .besideHost(directory, settings, clock: clock, logger: logger)
        case .ownDirectory(let directory, let origin):
            self = try .ownDirectory(directory, origin, settings, clock: clock, logger: logger)
        case .leaseTable(let table, let origin, let directory):
            self = try .leaseTable(table, origin, in: directory, settings, clock: clock, logger: logger)
        }
    }

    // MARK: - Beside a host

    private static func besideHost(
        _ directory: String,
        _ settings: WorkerSettings,
        clock: any Clock<Duration>,
        logger: Logger
    ) throws -> WorkerBackend {
        let file = directory + "/" + SQLiteDatabase.fileName
        guard FileManager.default.fileExists(atPath: file) else {
            throw CommandFailure(
                "no host has ever served the data directory \(directory)",
                hint: """
                    start one with `millrace serve --data \(directory)`, name the directory of one with --data, or read \
                    from elsewhere with --stream-endpoint
                    """
            )
        }
        let database = try SQLiteDatabase(directory: directory)
        let registry = FunctionRegistry(database)
        let workers = workers(database, directory)
        let follower = HostFollower(directory: directory, clock: clock, logger: logger)
        let access = settings.access
        let streams = HostStreams(follower: follower, registry: registry, clock: clock) { address, mapping in
            // A host knows no session tokens, and its region is only what requests are signed for.
            let connection = KinesisConnection(
                try .resolve(url: address, region: access.region, pacing: .onDemand),
                credentials: access.credentials.map(FixedCredentials.init),
                caFile: access.caFile,
                clock: clock,
                logger: logger
            )
            return connection.source(of: mapping)
        }
        return try WorkerBackend(
            directory: directory,
            registry: registry,
            role: .follower,
            isRegistryShared: true,
            leases: leases(database, directory),
            workers: workers,
            roster: WorkerRoster(worker: settings.name, store: workers, clock: clock, logger: logger),
            streams: streams,
            presence: presence(of: settings.name, in: directory),
            services: [follower]
        )
    }

    // MARK: - On Kinesis

    private static func ownDirectory(
        _ directory: String,
        _ origin: WorkerSettings.Origin,
        _ settings: WorkerSettings,
        clock: any Clock<Duration>,
        logger: Logger
    ) throws -> WorkerBackend {
        try refuseHost(of: directory)
        let definitions = try definitions(origin, settings.names)
        try refuseSharedConsumer(origin, definitions)
        let database = try SQLiteDatabase(directory: directory)
        let registry = FunctionRegistry(database)
        let stored = WakeSignal()
        let leases = leases(database, directory, failureStored: stored)
        let workers = workers(database, directory)
        let connection = KinesisConnection(origin, settings, clock: clock, logger: logger)
        let outbox = SharedOutbox(
            directory: directory,
            outbox: outbox(
                SQLiteFailureStore(database),
                stored: stored,
                connection,
                settings,
                logger: logger
            ),
            clock: clock,
            logger: logger
        )
        return try WorkerBackend(
            directory: directory,
            registry: registry,
            role: .keeper(
                KeeperDuties(
                    definitions: definitions,
                    // Code lies in the folder of its author.
                    collectCode: {},
                    waitsForWorkers: true
                )
            ),
            isRegistryShared: true,
            leases: leases,
            workers: workers,
            roster: WorkerRoster(worker: settings.name, store: workers, clock: clock, logger: logger),
            streams: KinesisStreams(connection: connection, fanOut: origin.fanOut),
            presence: presence(of: settings.name, in: directory),
            services: [outbox]
        )
    }

    static func refuseHost(of directory: String) throws {
        if let holder = try DataDirectoryLock.holder(of: directory), holder.address != nil {
            throw CommandFailure(
                "data directory \(directory) is served by \(holder)",
                hint: """
                    leave out --stream-endpoint and --functions to work beside that host, or keep these workers' leases \
                    in another directory with --data
                    """
            )
        }
        guard !FileManager.default.fileExists(atPath: directory + "/log") else {
            throw CommandFailure(
                "data directory \(directory) holds the log of a host",
                hint: "keep the leases of workers on Kinesis in another directory, with --data"
            )
        }
    }

    static func definitions(_ origin: WorkerSettings.Origin, _ names: ResourceNames) throws
        -> [FunctionDefinition]
    {
        do {
            return try FunctionManifest.loadAll(in: origin.functions, names: names)
        } catch let invalid as InvalidManifests {
            throw CommandFailure(
                messages: invalid.problems.map(\.description),
                hint: "no function of \(origin.functions) was started"
            )
        }
    }

    /// A consumer of a stream has one subscription for each shard: a second mapping would take it from the first.
    private static func refuseSharedConsumer(
        _ origin: WorkerSettings.Origin,
        _ definitions: [FunctionDefinition]
    ) throws {
        guard let consumer = origin.fanOut else { return }
        let streams = Dictionary(grouping: definitions.flatMap(\.eventSources), by: \.stream)
        guard let shared = streams.first(where: { $0.value.count > 1 }) else { return }
        throw CommandFailure(
            "\(shared.value.count) functions of \(origin.functions) read stream \(shared.key), and consumer \(consumer) serves one",
            hint:
                "leave out --fan-out, or start a worker for each with its own --functions, --data and --fan-out"
        )
    }

    // MARK: - Parts

    private static func leases(
        _ database: SQLiteDatabase,
        _ directory: String,
        failureStored: WakeSignal = WakeSignal()
    ) -> any LeaseStore {
        SQLiteLeaseStore(database, failureStored: failureStored) { worker in
            WorkerPresence.isDead(worker, directory: directory)
        }
    }

    private static func workers(_ database: SQLiteDatabase, _ directory: String) -> any WorkerStore {
        SQLiteWorkerStore(database) { worker in WorkerPresence.isDead(worker, directory: directory) }
    }

    private static func presence(of worker: WorkerID, in directory: String) throws -> WorkerPresence {
        do {
            return try WorkerPresence(of: worker, directory: directory)
        } catch let unusable as DataDirectoryUnusable {
            throw CommandFailure("\(unusable)", hint: "give this worker another --name")
        }
    }

    static func outbox(
        _ store: any FailureStore,
        stored: WakeSignal,
        _ connection: KinesisConnection,
        _ settings: WorkerSettings,
        logger: Logger
    ) -> FailureOutbox {
        let streams = FailureStreams(maximumRecordBytes: KinesisLimits.payloadBytes) { stream, key, payload in
            try await connection.put(payload, key: key, to: stream)
        }
        let router = FailureRouter(
            environment: ProcessInfo.processInfo.environment,
            region: settings.names.region,
            credentials: AWSCredentialChain(region: settings.names.region),
            streams: streams
        )
        return FailureOutbox(
            store: store,
            destination: { target in try router.destination(of: target) },
            committed: stored,
            settings: .amongProcesses,
            clock: connection.clock,
            now: FunctionRegistry.wallClock,
            logger: logger
        )
    }
}

extension KinesisConnection {
    /// The API that `--stream-endpoint` names.
    init(
        _ origin: WorkerSettings.Origin,
        _ settings: WorkerSettings,
        clock: any Clock<Duration>,
        logger: Logger
    ) {
        self.init(
            origin.kinesis,
            credentials: origin.credentials,
            caFile: settings.access.caFile,
            clock: clock,
            logger: logger
        )
    }
}

/// Keys that are known from the start.
private struct FixedCredentials: AWSCredentialProvider {
    let keys: AWSCredentials

    init(_ keys: AWSCredentials) { self.keys = keys }

    func credentials() -> AWSCredentials { keys }

    /// There are no others to look for.
    func reject(_ credentials: AWSCredentials) {}
}
