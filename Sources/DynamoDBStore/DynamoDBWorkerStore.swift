import Foundation
package import StreamCore
import Synchronization

/// The workers of one application: ours by rows of our own table, those of KCL by what they report to their leader.
///
/// Ours are reported in KCL's table as well when there is one, so that its leader counts them and assigns leases to them.
package struct DynamoDBWorkerStore: WorkerStore {
    private let application: DynamoDBApplication
    private let metrics: KCLWorkerMetrics

    package init(_ application: DynamoDBApplication) {
        self.application = application
        metrics = KCLWorkerMetrics(application: application)
    }

    package func report(_ report: WorkerReport) async throws -> Bool {
        let json = String(decoding: try JSONEncoder().encode(report), as: UTF8.self)
        var update = ItemUpdate(
            TableName: application.ownTable,
            Key: OwnKey.worker(report.worker).item,
            UpdateExpression: "SET report = :report ADD #counter :one",
            ExpressionAttributeNames: ["#counter": "counter"],
            ExpressionAttributeValues: [":report": .string(json), ":one": .number("1")],
            ReturnValuesOnConditionCheckFailure: nil
        )
        update.ReturnValues = "ALL_NEW"
        let row = try await application.client.update(update)
        try await metrics.report(report)
        return row["isDrainRequested"]?.flag ?? false
    }

    package func workers() async throws -> [WorkerRow] {
        let own = try await application.client.query(
            PageRequest(
                TableName: application.ownTable,
                KeyConditionExpression: "kind = :kind",
                ExpressionAttributeValues: [":kind": .string("worker")]
            )
        ).map(Self.row)
        let known = Set(own.map(\.worker))
        let foreign = try await metrics.workers().filter { !known.contains($0.worker) }
        return (own + foreign).sorted { $0.worker < $1.worker }
    }

    private static func row(_ item: Item) throws -> WorkerRow {
        let json = Data((item["report"]?.string ?? "").utf8)
        return WorkerRow(
            report: try JSONDecoder().decode(WorkerReport.self, from: json),
            counter: item["counter"]?.unsigned ?? 0,
            isDrainRequested: item["isDrainRequested"]?.flag ?? false
        )
    }

    /// - Returns: `false` for a worker of KCL too: it is stopped where it runs.
    package func requestDrain(of worker: WorkerID) async throws -> Bool {
        let update = ItemUpdate(
            TableName: application.ownTable,
            Key: OwnKey.worker(worker).item,
            UpdateExpression: "SET isDrainRequested = :true",
            ConditionExpression: "attribute_exists(kind)",
            ExpressionAttributeValues: [":true": .flag(true)],
            ReturnValuesOnConditionCheckFailure: nil
        )
        do {
            try await application.client.update(update)
            return true
        } catch let refusal as Refusal where refusal.isConditionFailure {
            return false
        }
    }

    package func removeWorker(_ worker: WorkerID) async throws {
        let key = OwnKey.worker(worker).item
        try await application.client.delete(ItemDelete(TableName: application.ownTable, Key: key))
        try await metrics.remove(worker)
    }
}
