import AccessControl
import Coordination
import Delivery
import EmbeddedLog
import EndpointServer
import Foundation
import FunctionManifest
import Hummingbird
import KinesisAPI
import LambdaAPI
import Logging
import LogsAPI
import ManagementAPI
import SQLiteStore
import ServiceLifecycle
import StreamCore

/// The endpoint, and what each of its APIs can see and do of the host.
extension Host {
    func makeEndpoint(
        events: EventInvocations,
        onListening: @escaping @Sendable () -> Void
    ) -> some Service {
        let limits = EndpointLimits()
        return Application(
            responder: Endpoint(
                kinesis: KinesisEndpoint(KinesisService(log: log, names: settings.names, logger: logger)),
                lambda: LambdaEndpoint(makeLambda(events: events)),
                logs: LogsEndpoint(LogsService(logs: functionLogs, names: settings.names)),
                management: ManagementService(
                    host: managedHost,
                    statuses: runner.statuses,
                    now: FunctionRegistry.wallClock
                ),
                listen: settings.listen,
                gate: access.gate
            ),
            server: .endpoint(limits: limits, tls: access.tls, connections: connections(limits)),
            configuration: ApplicationConfiguration(
                address: .hostname(settings.listen.host, port: settings.listen.port)
            ),
            onServerRunning: { channel in
                announce(port: channel.localAddress?.port ?? settings.listen.port)
                onListening()
            },
            logger: quietLogger
        )
    }

    private func makeLambda(events: EventInvocations) -> LambdaService {
        LambdaService(
            registry: registry,
            code: code,
            names: settings.names,
            invoke: invoke,
            streamExists: { [log] name in
                do { _ = try log.stream(name) } catch is StreamNotFound { return false }
                return true
            },
            processingResult: { [statuses = runner.statuses] mapping in
                statuses.lastResult(of: mapping.id)?.rawValue
            },
            events: events,
            logger: logger
        )
    }

    private func connections(_ limits: EndpointLimits) -> OpenConnections {
        OpenConnections(limit: limits.connections) { [logger] in
            logger.warning(
                "as many connections as the endpoint takes: new ones replace idle ones",
                metadata: ["limit": "\(limits.connections)"]
            )
        }
    }

    private func announce(port: Int) {
        let address = ListenAddress(host: settings.listen.host, port: port)
        let url = "\(access.scheme)://\(address.callable)"
        do {
            try lock.publish(address: url)
        } catch {
            logger.error("endpoint not published in the data directory", metadata: ["error": "\(error)"])
        }
        logger.info("serving", metadata: ["data": "\(settings.dataDirectory)", "worker": "\(runner.worker)"])
        printError("listening on \(url)")
    }

    private var managedHost: ManagedHost {
        let registration = Registration(registry: registry, names: settings.names, running: runner.running)
        return ManagedHost(
            functions: { try await registry.functions() },
            register: { directory in try await registration.folder(directory) },
            registerTemplate: { request in try await registration.template(request) },
            remove: { name in
                let mappings = try await registry.function(named: name)?.mappings ?? []
                defer { for mapping in mappings { runner.statuses.remove(mapping.id) } }
                return try await registry.remove(name)
            },
            processes: { [deployments] name in deployments.handlerReport(of: name) },
            leases: { [leases = runner.leases] mapping in try await leases.leases(of: mapping) },
            mappingState: { [running = runner.running] mapping in running.mappingState(mapping) },
            retention: ManagedRetention(of: log),
            failures: ManagedFailures(of: failures),
            inspection: inspection
        )
    }

    private var inspection: StoreLeaseInspection {
        StoreLeaseInspection(
            leases: runner.leases,
            workers: workers,
            mappings: { [registry] in try await StoreLeaseInspection.mappings(of: registry) },
            report: { [statuses = runner.statuses] key in statuses.report(of: key) },
            known: { [views = runner.views] mapping, rows in views.facts(of: mapping, rows) },
            sights: LeaseSights(clock: clock),
            now: FunctionRegistry.wallClock
        )
    }
}
