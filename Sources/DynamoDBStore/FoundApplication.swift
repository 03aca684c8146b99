package import StreamCore

/// An application as its workers have left it, for who only looks at it: nothing is made.
package struct FoundApplication: Sendable {
    package let application: DynamoDBApplication
    /// What its mapping runs, and what that reads.
    package let function: String
    package let stream: String

    /// - Parameter now: The wall clock.
    /// - Returns: `nil` when no worker of ours has ever used it, as when only KCL has.
    /// - Throws: `InvalidApplicationName`, `StoreDenied`, `StoreUnavailable`.
    package init?(
        _ name: String,
        client: DynamoDBClient,
        clock: any Clock<Duration>,
        now: @escaping @Sendable () -> Timestamp
    ) async throws {
        let found: Item?
        do {
            let table = DynamoDBApplication.ownTable(of: name)
            found = try await client.item(OwnKey.application.item, in: table)
        } catch let refusal as Refusal where refusal.isMissing {
            return nil
        }
        guard let found, let mapping = found["mapping"]?.string else { return nil }
        application = try DynamoDBApplication(
            name,
            mapping: MappingID(unchecked: mapping),
            client: client,
            clock: clock,
            now: now
        )
        function = found["function"]?.string ?? name
        stream = found["stream"]?.string ?? ""
    }
}
