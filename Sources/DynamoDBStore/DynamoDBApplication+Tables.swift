package import StreamCore

extension DynamoDBApplication {
    /// How long a table may take until it can be used.
    private static let creationTime = Duration.seconds(180)
    private static let creationPoll = Duration.seconds(1)

    /// Makes the tables that are missing, paid per request, and takes the application for the mapping.
    ///
    /// Many may do so at once. A table that KCL has made stays as it is.
    ///
    /// - Parameters:
    ///   - function: What the mapping runs, for who looks at the leases from elsewhere.
    ///   - stream: What it reads, likewise.
    /// - Throws: `ApplicationTaken`, `ForeignTable`, `StoreDenied`, `StoreUnavailable`.
    package func prepare(function: FunctionName, stream: StreamName) async throws {
        try await make(Self.leases(leaseTable))
        try await make(Self.own(ownTable))
        try await take(function, stream)
    }

    /// With the index by which workers of KCL 3 find what was assigned to them.
    private static func leases(_ name: String) -> TableCreation {
        TableCreation(
            TableName: name,
            KeySchema: .keys("leaseKey"),
            AttributeDefinitions: ["leaseKey", "leaseOwner"].map {
                TableCreation.Attribute(AttributeName: $0)
            },
            GlobalSecondaryIndexes: [
                TableCreation.Index(
                    IndexName: "LeaseOwnerToLeaseKeyIndex",
                    KeySchema: .keys("leaseOwner", "leaseKey"),
                    Projection: TableCreation.Projection(ProjectionType: "KEYS_ONLY")
                )
            ]
        )
    }

    private static func own(_ name: String) -> TableCreation {
        let indexes = OwnIndex.allCases.map { index in
            TableCreation.Index(
                IndexName: index.name,
                KeySchema: .keys("kind", index.attribute),
                Projection: TableCreation.Projection(
                    ProjectionType: "INCLUDE",
                    NonKeyAttributes: FailureItem.listed
                )
            )
        }
        return TableCreation(
            TableName: name,
            KeySchema: .keys("kind", "id"),
            AttributeDefinitions: (["kind", "id"] + OwnIndex.allCases.map(\.attribute))
                .map { TableCreation.Attribute(AttributeName: $0) },
            LocalSecondaryIndexes: indexes
        )
    }

    private func make(_ table: TableCreation) async throws {
        var hasAsked = false
        let polls = Int(Self.creationTime / Self.creationPoll)
        for _ in 0..<polls {
            if let found = try await description(of: table.TableName) {
                guard found.KeySchema.map(Set.init) == Set(table.KeySchema) else {
                    let keys = found.KeySchema?.map(\.AttributeName).joined(separator: ", ") ?? "unknown"
                    throw ForeignTable(table: table.TableName, reason: "its keys are \(keys)")
                }
                // While it is updated it can be used.
                if ["ACTIVE", "UPDATING"].contains(found.TableStatus) { return }
            } else if !hasAsked {
                try await create(table)
                hasAsked = true
                continue
            }
            try await clock.sleep(for: Self.creationPoll)
        }
        throw StoreUnavailable(store: table.TableName, cause: TableNotReady(time: Self.creationTime))
    }

    private func description(of table: String) async throws -> TableAnswer.Description? {
        do {
            let request = TableRequest(TableName: table)
            return try await client.call("DescribeTable", of: table, request, as: TableAnswer.self).Table
        } catch let refusal as Refusal where refusal.isMissing {
            return nil
        }
    }

    private func create(_ table: TableCreation) async throws {
        do {
            try await client.call("CreateTable", of: table.TableName, table)
        } catch let refusal as Refusal where refusal.isInUse {
            // Another worker was faster.
        }
    }

    private func take(_ function: FunctionName, _ stream: StreamName) async throws {
        let facts: Item = [
            "mapping": .string(mapping.text), "function": .string(function.text),
            "stream": .string(stream.text),
        ]
        let put = ItemPut(
            TableName: ownTable,
            Item: OwnKey.application.item.merging(facts) { $1 },
            ConditionExpression: "attribute_not_exists(kind) OR mapping = :mapping",
            ExpressionAttributeValues: [":mapping": .string(mapping.text)]
        )
        do {
            try await client.put(put)
        } catch let refusal as Refusal where refusal.isConditionFailure {
            let owner = try await client.item(OwnKey.application.item, in: ownTable)?["mapping"]?.string
            throw ApplicationTaken(application: name, owner: owner ?? "(unknown)", mapping: mapping)
        }
    }

    struct TableNotReady: Error, CustomStringConvertible {
        let time: Duration
        var description: String { "the table was not ready within \(time)" }
    }
}

/// Where an item of our own table is.
struct OwnKey: Hashable, Sendable {
    /// The partition.
    let kind: String
    let id: String

    var item: Item { ["kind": .string(kind), "id": .string(id)] }

    static let application = OwnKey(kind: "application", id: "mapping")

    static func progress(of shard: ShardID) -> OwnKey { OwnKey(kind: "progress#\(shard)", id: "progress") }
    static func failure(_ id: String) -> OwnKey { OwnKey(kind: "failure", id: id) }
    static func worker(_ worker: WorkerID) -> OwnKey { OwnKey(kind: "worker", id: worker.text) }
    static func part(_ number: Int, of group: String) -> OwnKey {
        let digits = String(number)
        return OwnKey(
            kind: "part#\(group)",
            id: String(repeating: "0", count: max(0, 6 - digits.count)) + digits
        )
    }
}

/// The orders in which failures are found, each over those that have the attribute.
enum OwnIndex: String, CaseIterable {
    /// As they were stored.
    case number
    /// Those that wait, by destination and time.
    case due
    /// Those that wait for nothing, by what they are and since when.
    case settled

    var name: String { "by-\(rawValue)" }
    var attribute: String { rawValue }
}
