import Coordination
import Foundation
import FunctionLogs
import HandlerProcess
import Logging
import SQLiteStore
import ServiceLifecycle
import StreamCore
import UnixSignals

/// Everything that one `worker` runs, put together.
struct WorkerHost {
    let settings: WorkerSettings
    let logger: Logger
    let backend: WorkerBackend
    let functionLogs: FunctionLogs
    let deployments: Deployments
    let runner: MappingRunner

    init(_ settings: WorkerSettings, logger: Logger) throws {
        let clock = ContinuousClock()
        self.settings = settings
        self.logger = logger
        backend = try WorkerBackend(settings, clock: clock, logger: logger)
        functionLogs = FunctionLogs(directory: backend.directory + "/function-logs", logger: logger)
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
        runner = MappingRunner(
            streams: backend.streams,
            identify: backend.identify,
            registry: backend.registry,
            leases: backend.leases,
            roster: backend.roster,
            rules: settings.rules,
            planning: backend.planning,
            deployments: deployments,
            names: settings.names,
            statuses: ShardStatuses(),
            views: LeaseViews(),
            running: RunningMappings(),
            clock: clock,
            logger: logger
        )
    }

    /// Works until SIGTERM or SIGINT, or until an operator asks the worker to drain.
    func run() async throws {
        let drain = DrainSignal()
        let start = DrainSignal()
        start.request()
        let functions = FunctionService(
            registry: backend.registry,
            role: backend.role,
            isRegistryShared: backend.isRegistryShared,
            deployments: deployments,
            runner: runner,
            drain: drain,
            endsWhenDrained: true,
            start: start
        )
        var quietLogger = logger
        quietLogger.logLevel = max(logger.logLevel, .warning)
        let heartbeat = HeartbeatService(
            roster: backend.roster,
            store: backend.workers,
            drain: drain,
            start: start,
            clock: runner.clock,
            logger: logger
        )
        // Services end in the reverse of this order.
        let others: [any Service] =
            [ImpatienceService(running: runner.running, deployments: deployments, logger: logger)]
            + backend.services + [heartbeat]
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: others.map { ServiceGroupConfiguration.ServiceConfiguration(service: $0) } + [
                    // They end by themselves when an operator drains the worker.
                    ServiceGroupConfiguration.ServiceConfiguration(
                        service: functions,
                        successTerminationBehavior: .gracefullyShutdownGroup
                    )
                ],
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: quietLogger
            )
        )
        defer {
            // What functions printed last.
            functionLogs.flush()
            backend.ownFolder?.remove()
        }
        try await backend.prepare()
        logger.info("working", metadata: ["worker": "\(settings.name)", "at": "\(settings.place)"])
        try await group.run()
        logger.info("worker has ended", metadata: ["worker": "\(settings.name)"])
    }
}
