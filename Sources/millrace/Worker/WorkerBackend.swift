import Coordination
import SQLiteStore
import ServiceLifecycle
import StreamCore

/// Where one worker has its functions, leases and streams, put together for each place that they may be at.
struct WorkerBackend {
    /// Where function logs and what functions are started from lie.
    let directory: String
    /// That directory, if it goes when the worker ends.
    var ownFolder: WorkerFolder?
    let registry: FunctionRegistry
    let role: RegistryRole
    /// Other processes use and change the registry too.
    let isRegistryShared: Bool
    let leases: any LeaseStore
    let workers: any WorkerStore
    let roster: WorkerRoster
    /// Who decides which worker has which lease.
    var planning: @Sendable () async throws -> LeasePlanning = { .own }
    let streams: any StreamDirectory
    /// A mapping under the name that its leases are kept by.
    var identify: @Sendable (EventSourceMapping) -> EventSourceMapping = { $0 }
    /// Shows the other workers of the machine that this one lives; `nil` when they are elsewhere.
    let presence: WorkerPresence?
    /// What runs beside the functions; ended after them, in the reverse of this order.
    let services: [any Service]
    /// To be done before anything runs.
    var prepare: @Sendable () async throws -> Void = {}
}
