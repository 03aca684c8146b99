import StreamCore

/// What a process does for the registry that it takes its functions from.
enum RegistryRole: Sendable {
    /// Registers its own functions, tries new code, and settles what was changed.
    case keeper(KeeperDuties)
    /// Runs what the keeper has settled.
    case follower
}

struct KeeperDuties: Sendable {
    /// Registered first; all of them or none.
    let definitions: [FunctionDefinition]
    /// Removes code that no function refers to any more.
    let collectCode: @Sendable () async -> Void
    /// A change of a mapping is carried out once the workers that take it from the same registry have done so too.
    let waitsForWorkers: Bool
}
