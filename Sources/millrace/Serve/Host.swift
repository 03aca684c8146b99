import AWSClient
import Coordination
import Delivery
import EmbeddedLog
import EndpointServer
import FailureDestinations
import Foundation
import FunctionLogs
import FunctionManifest
import HandlerProcess
import Hummingbird
import KinesisAPI
import LambdaAPI
import Logging
import LogsAPI
import ManagementAPI
import NIOCore
import SQLiteStore
import ServiceLifecycle
import StreamCore
import UnixSignals

/// Everything that one `serve` runs, put together.
struct Host {
    let settings: HostSettings
    let logger: Logger
    let access: EndpointAccess
    let lock: DataDirectoryLock
    let registry: FunctionRegistry
    let log: EmbeddedLog
    let presence: WorkerPresence
    /// Read and found right; registered once the endpoint is there.
    let definitions: [FunctionDefinition]
    let code: FunctionCodeStore
    let functionLogs: FunctionLogs
    let deployments: Deployments
    let runner: MappingRunner
    let workers: SQLiteWorkerStore
    let failures: SQLiteFailureStore
    /// Woken by each failure that is stored.
    let failureStored = WakeSignal()
    let clock = ContinuousClock()

    init(_ settings: HostSettings, logger: Logger) throws {
        self.settings = settings
        self.logger = logger
        definitions =
            try settings.functionsDirectory.map { try Self.definitions(in: $0, settings.names) } ?? []
        access = try EndpointAccess(
            settings.access,
            listen: settings.listen,
            region: settings.names.region,
            logger: logger
        )
        do {
            lock = try DataDirectoryLock(directory: settings.dataDirectory)
        } catch let inUse as DataDirectoryInUse {
            throw CommandFailure(
                "\(inUse)",
                hint: "stop that process, or serve another directory with --data"
            )
        }
        let database = try SQLiteDatabase(directory: settings.dataDirectory)
        registry = FunctionRegistry(database)
        code = FunctionCodeStore(directory: settings.dataDirectory + "/functions")
        functionLogs = FunctionLogs(directory: settings.dataDirectory + "/function-logs", logger: logger)
        failures = SQLiteFailureStore(database)
        var logOptions = LogOptions()
        logOptions.durability = settings.durability
        log = try EmbeddedLog.open(
            directory: settings.dataDirectory + "/log",
            options: logOptions,
            logger: logger
        )
        let worker = WorkerID.ofThisProcess
        presence = try WorkerPresence(of: worker, directory: settings.dataDirectory)
        deployments = Deployments(
            settings: HandlerSettings(
                logs: functionLogs,
                python: settings.python,
                names: settings.names,
                environment: settings.functionEnvironment,
                startTimeout: settings.startTimeout,
                logger: logger
            )
        )
        let isDead: @Sendable (WorkerID) -> Bool = { [directory = settings.dataDirectory] worker in
            WorkerPresence.isDead(worker, directory: directory)
        }
        workers = SQLiteWorkerStore(database, isDead: isDead)
        runner = MappingRunner(
            streams: EmbeddedStreams(log: log),
            registry: registry,
            leases: SQLiteLeaseStore(database, failureStored: failureStored, isDead: isDead),
            roster: WorkerRoster(worker: worker, store: workers, clock: clock, logger: logger),
            rules: settings.rules,
            deployments: deployments,
            names: settings.names,
            statuses: ShardStatuses(),
            views: LeaseViews(),
            running: RunningMappings(),
            clock: clock,
            logger: logger
        )
    }

    private static func definitions(in directory: String, _ names: ResourceNames) throws
        -> [FunctionDefinition]
    {
        do {
            return try FunctionManifest.loadAll(in: directory, names: names)
        } catch let invalid as InvalidManifests {
            throw CommandFailure(
                messages: invalid.problems.map(\.description),
                hint: "no function of \(directory) was registered"
            )
        }
    }
}

extension Host {
    /// Serves until SIGTERM or SIGINT.
    ///
    /// Then, in this order: functions finish what they have in hand, the endpoint closes, failures under way are
    /// delivered, the log syncs.
    func run() async throws {
        // Nothing is registered and no function runs before the port is ours: a host that fails to start
        // leaves no trace.
        let isListening = DrainSignal()
        // Requested by an operator too, and then the log is served on.
        let drain = DrainSignal()
        let events = EventInvocations(invoke: invoke, clock: clock, logger: logger)
        let functions = FunctionService(
            registry: registry,
            role: .keeper(
                KeeperDuties(
                    definitions: definitions,
                    collectCode: { [code, registry, logger] in
                        do { try await code.removeUnused { try await registry.codeDirectoriesInUse() } } catch
                        {
                            logger.warning(
                                "code that is not used any more was not removed",
                                metadata: ["error": "\(error)"]
                            )
                        }
                    },
                    waitsForWorkers: true
                )
            ),
            deployments: deployments,
            runner: runner,
            drain: drain,
            endsWhenDrained: false,
            start: isListening
        )
        // Services end in the reverse of this order: what functions give up last has its try as well.
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [
                    ImpatienceService(running: runner.running, deployments: deployments, logger: logger),
                    LogService(log: log),
                    FailureService(outbox: outbox),
                    makeEndpoint(events: events) { isListening.request() },
                    EventService(events: events),
                    HeartbeatService(
                        roster: runner.roster,
                        store: workers,
                        drain: drain,
                        start: isListening,
                        clock: clock,
                        logger: logger
                    ),
                    functions,
                ],
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: quietLogger
            )
        )
        // What functions printed last.
        defer { functionLogs.flush() }
        do {
            try await group.run()
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            throw CommandFailure(
                "cannot listen on \(settings.listen): the port is in use",
                hint: "stop what listens there, or choose another with --listen"
            )
        }
    }

    /// Invokes a function for somebody who calls Lambda's API.
    var invoke: LambdaService.Invoke {
        { [deployments] name, qualifier, payload in
            await DeployedFunction(name: name, qualifier: qualifier, deployments: deployments).invoke(payload)
        }
    }

    /// The libraries' own words on starting and stopping are not the host's.
    var quietLogger: Logger {
        var logger = logger
        logger.logLevel = max(logger.logLevel, .warning)
        return logger
    }

    /// Takes stored failures to their destinations.
    private var outbox: FailureOutbox {
        let router = FailureRouter(
            environment: ProcessInfo.processInfo.environment,
            region: settings.names.region,
            credentials: AWSCredentialSource(),
            streams: FailureStreams(of: log)
        )
        return FailureOutbox(
            store: failures,
            destination: { target in try router.destination(of: target) },
            committed: failureStored,
            delivered: { [statuses = runner.statuses] in statuses.noteDelivered($0) },
            settings: .amongProcesses,
            clock: clock,
            now: FunctionRegistry.wallClock,
            logger: logger
        )
    }
}
