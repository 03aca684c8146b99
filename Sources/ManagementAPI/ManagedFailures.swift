package import StreamCore

/// The failures that a host keeps.
package struct ManagedFailures: Sendable {
    /// Of one mapping, or of all, the last stored first, without their events.
    package let list: @Sendable (MappingID?, _ limit: Int) async throws -> [StoredFailure]
    /// One with its event; `nil` when there is none of that name.
    package let find: @Sendable (_ id: String) async throws -> StoredFailure?

    package init(
        list: @escaping @Sendable (MappingID?, _ limit: Int) async throws -> [StoredFailure],
        find: @escaping @Sendable (_ id: String) async throws -> StoredFailure?
    ) {
        self.list = list
        self.find = find
    }

    package init(of store: any FailureStore) {
        self.init(
            list: { mapping, limit in try await store.failures(of: mapping, limit: limit) },
            find: { id in try await store.failure(id) }
        )
    }
}
