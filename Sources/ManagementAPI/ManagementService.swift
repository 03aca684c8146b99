package import Coordination
import Delivery
package import Foundation
package import StreamCore

/// The calls that AWS has no API for: functions in folders, mappings, checkpoints with what each shard is doing,
/// leases and workers.
///
/// JSON over HTTP below `/millrace/v1/`. Refusals answer 4xx with an `ErrorAnswer`.
package struct ManagementService: Sendable {
    let host: ManagedHost
    private let statuses: ShardStatuses
    private let now: @Sendable () -> Timestamp

    package static let root = "/millrace/v1/"

    package init(host: ManagedHost, statuses: ShardStatuses, now: @escaping @Sendable () -> Timestamp) {
        self.host = host
        self.statuses = statuses
        self.now = now
    }

    package struct Answer: Sendable {
        package let status: Int
        package let body: Data
    }

    /// - Parameters:
    ///   - path: The whole path, which begins with `root`.
    ///   - query: Of a parameter that stands twice the last.
    package func handle(
        method: String,
        path: String,
        query: [String: String] = [:],
        body: Data
    ) async -> Answer {
        do {
            let parts = path.dropFirst(Self.root.count).split(separator: "/").map(String.init)
            switch (method, parts.first, parts.count) {
            case ("GET", "functions", 1): return try answer(200, try await functions())
            case ("POST", "functions", 1): return try await register(body)
            case ("GET", "functions", 2): return try await function(parts[1])
            case ("DELETE", "functions", 2): return try await remove(parts[1])
            case ("GET", "mappings", 1): return try answer(200, try await mappings())
            case ("GET", "checkpoints", 1): return try answer(200, try await checkpoints())
            case ("GET", "streams", 3) where parts[2] == "retention": return try await retention(parts[1])
            case ("PUT", "streams", 3) where parts[2] == "retention":
                return try await setRetention(parts[1], body)
            case ("GET", "failures", 1): return try await failures(query)
            case ("GET", "failures", 2): return try await failure(parts[1])
            case ("GET", "leases", 1): return try await leases(query)
            case ("POST", "leases", 4) where parts[3] == "release":
                return try await release(mapping: parts[1], shard: parts[2])
            case ("GET", "workers", 1): return try await workers()
            case ("POST", "workers", 3) where parts[2] == "drain": return try await drain(parts[1])
            default:
                return refuse(404, ["no such call: \(method) \(path)"])
            }
        } catch let refused as RegistrationRefused {
            return refuse(400, refused.reasons)
        } catch let refused as InspectionRefused {
            let status = refused.reason == .notFound ? 404 : 409
            return Self.refusal(status, [refused.description], hint: refused.hint)
        } catch let missing as StreamNotFound {
            return refuse(404, ["\(missing)"])
        } catch {
            return refuse(500, ["\(error)"])
        }
    }

    private func register(_ body: Data) async throws -> Answer {
        if let request = try? JSONDecoder().decode(TemplateRequest.self, from: body) {
            let registered = try await host.registerTemplate(request)
            return try answer(
                201,
                TemplateSummary(
                    functions: registered.functions.map(summary),
                    streams: registered.streams,
                    leftOut: registered.leftOut
                )
            )
        }
        guard let request = try? JSONDecoder().decode(RegisterRequest.self, from: body) else {
            return refuse(400, ["the body is neither {\"directory\": \"/absolute/path\"} nor a template's"])
        }
        return try answer(201, summary(of: try await host.register(request.directory)))
    }

    private func function(_ name: String) async throws -> Answer {
        let found = try await host.functions().first { $0.definition.name.text == name }
        guard let found else { return refuse(404, ["function \(name) is not registered"]) }
        return try answer(200, summary(of: found))
    }

    private func remove(_ name: String) async throws -> Answer {
        guard let functionName = FunctionName(name), try await host.remove(functionName) else {
            return refuse(404, ["function \(name) is not registered"])
        }
        return Answer(status: 204, body: Data())
    }

    private func functions() async throws -> [FunctionSummary] {
        try await host.functions().map(summary)
    }

    private func summary(of function: RegisteredFunction) -> FunctionSummary {
        let definition = function.definition
        let report = host.processes(definition.name)
        let lastError = function.mappings.lazy.flatMap { statuses.reports(of: $0.id) }
            .compactMap(\.lastError).first
        return FunctionSummary(
            name: definition.name.text,
            runtime: definition.runtime.name,
            handler: definition.handler,
            codeDirectory: definition.codeDirectory,
            timeoutSeconds: definition.timeoutSeconds,
            memoryMegabytes: definition.memoryMegabytes,
            concurrencyLimit: definition.concurrencyLimit,
            streams: function.mappings.map(\.source.stream.text),
            processes: report.processes,
            state: Self.state(report, lastError),
            lastError: lastError,
            startFailure: report.startFailure,
            status: function.state.name,
            updateStatus: function.lastUpdate.name,
            updateFailure: function.state.failure ?? function.lastUpdate.failure,
            description: definition.description,
            versions: function.versions.map(\.number),
            aliases: function.aliases.map { AliasSummary(name: $0.name.text, version: $0.version.text) },
            tags: function.tags
        )
    }

    private static func state(_ report: HandlerReport, _ lastError: String?) -> String {
        if report.startFailure != nil { return "cannot start" }
        if lastError != nil { return "failing" }
        return report.processes.isEmpty ? "not started yet" : "ready"
    }

    private func mappings() async throws -> [MappingSummary] {
        try await host.functions().flatMap(\.mappings).map { mapping in
            MappingSummary(
                mapping: mapping.id.text,
                function: mapping.function.text,
                stream: mapping.source.stream.text,
                state: host.mappingState(mapping),
                startingPosition: mapping.source.startingPosition.name,
                batchSize: mapping.source.batchSize,
                batchWindowSeconds: mapping.source.batchWindowSeconds
            )
        }
    }

    private func checkpoints() async throws -> [CheckpointSummary] {
        var summaries: [CheckpointSummary] = []
        for mapping in try await host.functions().flatMap(\.mappings) {
            let rows = try await host.leases(mapping.id)
            let finished = Set(rows.filter { $0.checkpoint == .shardEnd }.map(\.key.shard))
            let known = Set(rows.map(\.key.shard))
            for row in rows {
                let parent = row.parents.first { known.contains($0) && !finished.contains($0) }
                summaries.append(summary(of: row, mapping, waitingFor: parent))
            }
        }
        return summaries
    }

    private func summary(
        of row: LeaseRow,
        _ mapping: EventSourceMapping,
        waitingFor parent: ShardID?
    ) -> CheckpointSummary {
        let report = row.owner == nil ? nil : statuses.report(of: row.key)
        let counts = statuses.report(of: row.key)
        return CheckpointSummary(
            function: mapping.function.text,
            mapping: mapping.id.text,
            stream: mapping.source.stream.text,
            shard: row.key.shard.text,
            checkpoint: row.checkpoint.description,
            owner: row.owner?.text,
            iteratorAgeMilliseconds: report.flatMap { $0.iteratorAgeMilliseconds(at: now()) },
            records: counts?.records ?? 0,
            batches: counts?.batches ?? 0,
            failedInvocations: counts?.failedInvocations ?? 0,
            events: mapping.source.metrics.contains("EventCount")
                ? EventCountSummary(counts?.events ?? ShardReport.EventCounts()) : nil,
            state: ShardState(
                row: row,
                isEnabled: mapping.source.isEnabled,
                parent: parent,
                activity: report?.activity
            ).description,
            lastError: report?.lastError
        )
    }

    private func retention(_ name: String) async throws -> Answer {
        guard let retention = host.retention else { return refuse(501, ["this host cannot tell retention"]) }
        guard let stream = StreamName(name) else { return refuse(404, ["stream \(name) does not exist"]) }
        return try answer(200, RetentionSummary(hours: try await retention.hours(stream)))
    }

    private func setRetention(_ name: String, _ body: Data) async throws -> Answer {
        guard let retention = host.retention else { return refuse(501, ["this host cannot set retention"]) }
        guard let stream = StreamName(name) else { return refuse(404, ["stream \(name) does not exist"]) }
        guard let request = try? JSONDecoder().decode(RetentionSummary.self, from: body),
            request.hours.map(retention.limits.contains) ?? true
        else {
            let limits = "\(retention.limits.lowerBound) to \(retention.limits.upperBound)"
            return refuse(400, ["the body is not {\"hours\": N} with \(limits), or null for no limit"])
        }
        try await retention.setHours(stream, request.hours)
        return try answer(200, request)
    }

    func answer(_ status: Int, _ value: some Encodable) throws -> Answer {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Answer(status: status, body: try encoder.encode(value))
    }

    func refuse(_ status: Int, _ errors: [String]) -> Answer {
        Self.refusal(status, errors)
    }

    /// An answer that says no, with an `ErrorAnswer`.
    package static func refusal(_ status: Int, _ errors: [String], hint: String? = nil) -> Answer {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes]
        // Strings always encode; were it not so, the status alone would still say no.
        return Answer(
            status: status,
            body: (try? encoder.encode(ErrorAnswer(errors: errors, hint: hint))) ?? Data()
        )
    }
}

extension FunctionState {
    fileprivate var name: String {
        switch self {
        case .pending: "Pending"
        case .active: "Active"
        case .failed: "Failed"
        }
    }

    fileprivate var failure: String? {
        if case .failed(let reason) = self { reason } else { nil }
    }
}

extension FunctionUpdate {
    fileprivate var name: String {
        switch self {
        case .successful: "Successful"
        case .inProgress: "InProgress"
        case .failed: "Failed"
        }
    }

    fileprivate var failure: String? {
        if case .failed(let reason) = self { reason } else { nil }
    }
}

extension EventCountSummary {
    fileprivate init(_ counts: ShardReport.EventCounts) {
        self.init(
            polled: counts.polled,
            filteredOut: counts.filteredOut,
            invoked: counts.invoked,
            failedInvoke: counts.failedInvoke,
            givenUp: counts.givenUp,
            delivered: counts.delivered
        )
    }
}
