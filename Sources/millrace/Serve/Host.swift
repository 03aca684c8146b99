import Coordination
import EmbeddedLog
import Foundation
import FunctionManifest
import HandlerProcess
import Hummingbird
import KinesisAPI
import Logging
import ManagementAPI
import NIOCore
import ServiceLifecycle
import SQLiteStore
import StreamCore
import UnixSignals

/// Everything that one `serve` runs, put together.
struct Host {
    private let settings: HostSettings
    private let logger: Logger
    private let lock: DataDirectoryLock
    private let registry: FunctionRegistry
    private let log: EmbeddedLog
    private let presence: WorkerPresence
    /// Read and found right; registered once the endpoint is there.
    private let definitions: [FunctionDefinition]
    private let runner: FunctionRunner
    private let clock = ContinuousClock()

    init(_ settings: HostSettings, logger: Logger) throws {
        self.settings = settings
        self.logger = logger
        definitions =
            try settings.functionsDirectory.map { try Self.definitions(in: $0, settings.names) } ?? []
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
        var logOptions = LogOptions()
        logOptions.durability = settings.durability
        log = try EmbeddedLog.open(
            directory: settings.dataDirectory + "/log",
            options: logOptions,
            logger: logger
        )
        let worker = WorkerID(
            unchecked: "\(ProcessInfo.processInfo.hostName)-\(getpid())-\(UUID().uuidString.prefix(8))"
        )
        presence = try WorkerPresence(of: worker, directory: settings.dataDirectory)
        runner = FunctionRunner(
            log: log,
            registry: registry,
            leases: SQLiteLeaseStore(database) { [directory = settings.dataDirectory] worker in
                WorkerPresence.isDead(worker, directory: directory)
            },
            worker: worker,
            handlers: HandlerSettings(
                logDirectory: settings.dataDirectory + "/function-logs",
                python: settings.python,
                names: settings.names,
                environment: settings.functionEnvironment,
                logger: logger
            ),
            names: settings.names,
            statuses: ShardStatuses(),
            running: RunningFunctions(),
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
    /// Then, in this order: functions finish what they have in hand, the endpoint closes, the log syncs.
    func run() async throws {
        // Nothing is registered and no function runs before the port is ours: a host that fails to start
        // leaves no trace.
        let isListening = DrainSignal()
        let endpoint = Application(
            responder: Endpoint(
                kinesis: KinesisEndpoint(
                    KinesisService(log: log, names: settings.names, logger: logger)
                ),
                management: ManagementService(
                    host: managedHost,
                    statuses: runner.statuses,
                    now: FunctionRegistry.wallClock
                ),
                listen: settings.listen
            ),
            configuration: ApplicationConfiguration(
                address: .hostname(settings.listen.host, port: settings.listen.port)
            ),
            onServerRunning: { channel in
                announce(port: channel.localAddress?.port ?? settings.listen.port)
                isListening.request()
            },
            logger: quietLogger
        )
        let functions = FunctionService(
            registry: registry,
            definitions: definitions,
            runner: runner,
            start: isListening
        )
        // Services end in the reverse of this order.
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [
                    ImpatienceService(running: runner.running, logger: logger), LogService(log: log),
                    endpoint,
                    functions,
                ],
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: quietLogger
            )
        )
        do {
            try await group.run()
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            throw CommandFailure(
                "cannot listen on \(settings.listen): the port is in use",
                hint: "stop what listens there, or choose another with --listen"
            )
        }
    }

    /// The libraries' own words on starting and stopping are not the host's.
    private var quietLogger: Logger {
        var logger = logger
        logger.logLevel = max(logger.logLevel, .warning)
        return logger
    }

    private func announce(port: Int) {
        let address = ListenAddress(host: settings.listen.host, port: port)
        let url = "http://\(address)"
        do {
            try lock.publish(address: url)
        } catch {
            logger.error("endpoint not published in the data directory", metadata: ["error": "\(error)"])
        }
        logger.info("serving", metadata: ["data": "\(settings.dataDirectory)", "worker": "\(runner.worker)"])
        printError("listening on \(url)")
    }

    private var managedHost: ManagedHost {
        ManagedHost(
            functions: { try await registry.functions() },
            register: { directory in
                guard !runner.running.isDraining else {
                    throw RegistrationRefused(reasons: ["the host is shutting down"])
                }
                do {
                    let definition = try FunctionManifest.load(directory: directory, names: settings.names)
                    // The code may be new under an unchanged definition: that is what registering again is
                    // for.
                    try await registry.register([definition], renewingCode: true)
                    guard let function = try await registry.function(named: definition.name) else {
                        throw RegistrationRefused(reasons: [
                            "function \(definition.name) was removed meanwhile"
                        ])
                    }
                    return function
                } catch let invalid as InvalidManifests {
                    throw RegistrationRefused(reasons: invalid.problems.map(\.description))
                } catch let error where error is StartingPositionIsFixed || error is DuplicateEventSource {
                    throw RegistrationRefused(reasons: ["\(error)"])
                }
            },
            remove: { name in
                let mappings = try await registry.function(named: name)?.mappings ?? []
                defer { for mapping in mappings { runner.statuses.remove(mapping.id) } }
                return try await registry.remove(name)
            },
            processes: { [running = runner.running] name in running.handlerReport(of: name) },
            leases: { [leases = runner.leases] mapping in try await leases.leases(of: mapping) },
            mappingState: { [running = runner.running] mapping in running.mappingState(mapping) },
            retention: ManagedRetention(of: log)
        )
    }
}
