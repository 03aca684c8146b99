import Coordination
import DynamoDBStore
import ManagementAPI
import SQLiteStore
import StreamCore

extension StoreLeaseInspection {
    /// Of workers that share a table in DynamoDB.
    static func leaseTable(
        _ table: LeaseTable,
        caFile: String?,
        clock: ContinuousClock
    ) async throws -> StoreLeaseInspection {
        let found = try await FoundApplication(
            table.application,
            client: table.client(caFile: caFile, clock: clock),
            clock: clock,
            now: FunctionRegistry.wallClock
        )
        guard let found else {
            throw CommandFailure(
                "no worker has ever used application \(table.application) in \(table.region)",
                hint:
                    "start one with `millrace worker --stream-endpoint URL --functions DIR --lease-store \(table)`"
            )
        }
        let mapping = Mapping(
            id: found.application.mapping,
            function: found.function,
            stream: found.stream
        )
        return StoreLeaseInspection(
            // Rows that KCL made for a start at a time do not say which, and here only the word is shown.
            leases: DynamoDBLeaseStore(found.application, startTimestamp: Timestamp(milliseconds: 0)),
            workers: DynamoDBWorkerStore(found.application),
            mappings: { [mapping] },
            sights: LeaseSights(clock: clock),
            now: FunctionRegistry.wallClock
        )
    }

    /// Of workers that share a data directory that no host serves now.
    static func dataDirectory(_ directory: String, clock: ContinuousClock) throws -> StoreLeaseInspection {
        let database = try SQLiteDatabase(directory: directory)
        let registry = FunctionRegistry(database)
        let isDead = { @Sendable worker in WorkerPresence.isDead(worker, directory: directory) }
        return StoreLeaseInspection(
            leases: SQLiteLeaseStore(database, isDead: isDead),
            workers: SQLiteWorkerStore(database, isDead: isDead),
            mappings: { try await mappings(of: registry) },
            sights: LeaseSights(clock: clock),
            now: FunctionRegistry.wallClock
        )
    }

    static func mappings(of registry: FunctionRegistry) async throws -> [Mapping] {
        try await registry.mappings().map { mapping in
            Mapping(id: mapping.id, function: mapping.function.text, stream: mapping.source.stream.text)
        }
    }
}
