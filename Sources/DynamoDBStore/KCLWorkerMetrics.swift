import StreamCore
import Synchronization

/// The reports by which KCL's leader knows the workers that it may assign leases to.
///
/// They are rows of `APP-WorkerMetricStats`, under `wid`; in KCL 3.5's single table rows of the lease table, under
/// `leaseKey`, with `entityType`. KCL reports each 30 s, and takes a worker for dead whose report is 60 s old by the wall
/// clock.
final class KCLWorkerMetrics: Sendable {
    /// Ours are renewed a little more often, as they wait for the round of our own reports.
    static let reportMilliseconds: Int64 = 20_000
    static let lifetimeMilliseconds: Int64 = 60_000
    /// How long a table that was not there is not looked for.
    static let absenceMilliseconds: Int64 = 10_000
    /// How often a lease table without such rows is looked through for them.
    static let searchMilliseconds: Int64 = 60_000
    /// A report of a later moment, that of the year 36812, is none.
    private static let latestSecond: Int64 = 1 << 40
    /// KCL's name for CPU time, in percent.
    static let cpu = "C"

    private static let entityType = "WORKER_METRIC_STATS"

    private let application: DynamoDBApplication
    private let state = Mutex(State())

    private struct State {
        var reported: [WorkerID: Timestamp] = [:]
        var tableIsAbsentSince: Timestamp?
        /// Whether the lease table has such rows, as the last scan has shown.
        var isInLeaseTable = false
        var leaseTableReadAt: Timestamp?
        /// Raised by each reading.
        var readings: UInt64 = 0
    }

    init(application: DynamoDBApplication) {
        self.application = application
    }

    func report(_ report: WorkerReport) async throws {
        let now = application.now()
        guard !report.isDraining else { return try await remove(report.worker) }
        let isDue = state.withLock { state in
            state.reported[report.worker].map { now.millisecondsSince($0) >= Self.reportMilliseconds } ?? true
        }
        guard isDue else { return }
        let isWritten = try await write(report, at: now)
        if isWritten { state.withLock { $0.reported[report.worker] = now } }
    }

    private func write(_ report: WorkerReport, at now: Timestamp) async throws -> Bool {
        var isWritten = false
        if mayExist(at: now) {
            isWritten = try await put(item(report, at: now, under: "wid"), in: application.metricsTable)
            noteTable(exists: isWritten, at: now)
        }
        if state.withLock(\.isInLeaseTable) {
            var item = item(report, at: now, under: "leaseKey")
            item["entityType"] = .string(Self.entityType)
            isWritten = try await put(item, in: application.leaseTable) || isWritten
        }
        return isWritten
    }

    /// A worker without CPU figures is one with default metrics, among which leases are balanced by throughput.
    private func item(_ report: WorkerReport, at now: Timestamp, under key: String) -> Item {
        var values: [String: AttributeValue] = [:]
        var ranges: [String: AttributeValue] = [:]
        if !report.cpu.isEmpty {
            values[Self.cpu] = .list(report.cpu.map { .number($0) })
            // It may use all of what it counts as its own.
            ranges[Self.cpu] = .list([.number("100")])
        }
        return [
            key: .string(report.worker.text), "lut": .number(now.milliseconds / 1_000),
            "sts": .map(values), "opr": .map(ranges),
        ]
    }

    private func put(_ item: Item, in table: String) async throws -> Bool {
        do {
            try await application.client.put(ItemPut(TableName: table, Item: item))
            return true
        } catch let refusal as Refusal where refusal.isMissing {
            return false
        }
    }

    /// The live workers of KCL, and of ours those that report there.
    ///
    /// Who lives is judged as KCL's leader does: their reports are further apart than our failover time, so that the
    /// counter of a live one grows with each reading, and a dead one is left out.
    func workers() async throws -> [WorkerRow] {
        let now = application.now()
        let reading = state.withLock { state in
            state.readings += 1
            return state.readings
        }
        var items: [Item] = []
        if mayExist(at: now) {
            do {
                items = try await application.client.scan(PageRequest(TableName: application.metricsTable))
                    .items
                noteTable(exists: true, at: now)
            } catch let refusal as Refusal where refusal.isMissing {
                noteTable(exists: false, at: now)
            }
        }
        if items.isEmpty, isToBeSearched(at: now) { items = try await itemsOfLeaseTable() }
        return items.compactMap { item in
            guard let id = (item["wid"] ?? item["leaseKey"])?.string, let seconds = item["lut"]?.signed,
                (0...Self.latestSecond).contains(seconds),
                now.milliseconds - seconds * 1_000 < Self.lifetimeMilliseconds
            else { return nil }
            let report = WorkerReport(
                worker: WorkerID(unchecked: id),
                host: "",
                processID: 0,
                started: Timestamp(milliseconds: seconds * 1_000),
                cpu: (item["sts"]?.map?[Self.cpu]?.list ?? []).compactMap(\.double).filter { $0 >= 0 }
            )
            return WorkerRow(report: report, counter: UInt64(seconds) << 20 + reading)
        }
    }

    private func itemsOfLeaseTable() async throws -> [Item] {
        let items = try await application.client.scan(
            PageRequest(
                TableName: application.leaseTable,
                FilterExpression: "entityType = :type",
                ExpressionAttributeValues: [":type": .string(Self.entityType)]
            )
        ).items
        state.withLock { $0.isInLeaseTable = !items.isEmpty }
        return items
    }

    /// Reading the lease table once more is for those who have no other.
    private func isToBeSearched(at now: Timestamp) -> Bool {
        state.withLock { state in
            if !state.isInLeaseTable, let last = state.leaseTableReadAt,
                now.millisecondsSince(last) < Self.searchMilliseconds
            {
                return false
            }
            state.leaseTableReadAt = now
            return true
        }
    }

    /// So that the leader assigns nothing to it any more.
    func remove(_ worker: WorkerID) async throws {
        state.withLock { _ = $0.reported.removeValue(forKey: worker) }
        let deletions =
            [(application.metricsTable, "wid")]
            + (state.withLock(\.isInLeaseTable) ? [(application.leaseTable, "leaseKey")] : [])
        for (table, key) in deletions {
            do {
                try await application.client.delete(
                    ItemDelete(TableName: table, Key: [key: .string(worker.text)])
                )
            } catch let refusal as Refusal where refusal.isMissing {}
        }
    }

    private func mayExist(at now: Timestamp) -> Bool {
        state.withLock { state in
            state.tableIsAbsentSince.map { now.millisecondsSince($0) >= Self.absenceMilliseconds } ?? true
        }
    }

    private func noteTable(exists: Bool, at now: Timestamp) {
        state.withLock { $0.tableIsAbsentSince = exists ? nil : now }
    }
}
