package import StreamCore

/// One application of the Kinesis Client Library on DynamoDB: its tables, and the one of ours beside them.
///
/// `APP` has the leases, in KCL's layout; `APP-WorkerMetricStats` and `APP-CoordinatorState` are KCL's own and read, and
/// written as far as a worker of it does; `APP-millrace` has what KCL has no place for. An application belongs to one
/// mapping, as a row of KCL's table names a shard and not whose function reads it.
package struct DynamoDBApplication: Sendable {
    package let name: String
    package let mapping: MappingID
    let client: DynamoDBClient
    let clock: any Clock<Duration>
    let now: @Sendable () -> Timestamp

    /// - Parameters:
    ///   - name: KCL's application name, 3–237 of `a-zA-Z0-9_.-`: DynamoDB takes 255 for a table, and KCL
    ///     adds up to 18 to it.
    ///   - now: The wall clock; it orders failures, and tells KCL's leader that a worker has reported itself.
    /// - Throws: `InvalidApplicationName`.
    package init(
        _ name: String,
        mapping: MappingID,
        client: DynamoDBClient,
        clock: any Clock<Duration> = ContinuousClock(),
        now: @escaping @Sendable () -> Timestamp
    ) throws {
        guard Self.isValid(name) else { throw InvalidApplicationName(name: name) }
        self.name = name
        self.mapping = mapping
        self.client = client
        self.clock = clock
        self.now = now
    }

    private static func isValid(_ name: String) -> Bool {
        (3...237).contains(name.utf8.count) && StreamName.isValid(String(name.prefix(128)))
            && StreamName.isValid(String(name.suffix(128)))
    }

    var leaseTable: String { name }
    var metricsTable: String { "\(name)-WorkerMetricStats" }
    var coordinatorTable: String { "\(name)-CoordinatorState" }
    var ownTable: String { Self.ownTable(of: name) }
    static func ownTable(of name: String) -> String { "\(name)-millrace" }
}

package struct InvalidApplicationName: Error, Hashable, Sendable, CustomStringConvertible {
    package let name: String

    package var description: String {
        "\"\(name)\" is not the name of an application: 3–237 of a-zA-Z0-9_.-"
    }
}

/// The tables serve another mapping.
package struct ApplicationTaken: Error, Hashable, Sendable, CustomStringConvertible {
    package let application: String
    package let owner: String
    package let mapping: MappingID

    package var description: String {
        "application \(application) keeps the checkpoints of mapping \(owner), not of \(mapping): "
            + "give each mapping an application of its own"
    }
}

/// A table has the name of one of ours and another layout.
package struct ForeignTable: Error, Hashable, Sendable, CustomStringConvertible {
    package let table: String
    package let reason: String

    package var description: String { "table \(table) is not of a Kinesis application: \(reason)" }
}
