/// An event source mapping: a function's event source with the identity under which its checkpoints are kept.
package struct EventSourceMapping: Hashable, Sendable {
    package let id: MappingID
    package let function: FunctionName
    /// A version's number or an alias; `nil` runs what the function is now.
    package let qualifier: FunctionQualifier?
    package let source: EventSource
    package let state: State
    /// Those of the event source, and over them those that were set through the API.
    package let tags: [String: String]
    /// When it was made, or its settings last changed.
    package let lastModified: Timestamp
    /// It follows from the function's own definition, and goes when that names the stream no longer.
    package let isFromDefinition: Bool

    package init(
        id: MappingID,
        function: FunctionName,
        qualifier: FunctionQualifier? = nil,
        source: EventSource,
        state: State = .enabled,
        tags: [String: String] = [:],
        lastModified: Timestamp = Timestamp(milliseconds: 0),
        isFromDefinition: Bool = true
    ) {
        self.id = id
        self.function = function
        self.qualifier = qualifier
        self.source = source
        self.state = state
        self.tags = source.tags.merging(tags) { $1 }
        self.lastModified = lastModified
        self.isFromDefinition = isFromDefinition
    }

    /// Lambda's states; those in `-ing` last until the host has carried the change out.
    package enum State: String, Sendable, Codable, CaseIterable {
        case creating = "Creating"
        case enabling = "Enabling"
        case enabled = "Enabled"
        case disabling = "Disabling"
        case disabled = "Disabled"
        case updating = "Updating"
        case deleting = "Deleting"
    }

    /// Whether its shards are to be worked on.
    package var runs: Bool { source.isEnabled && state != .deleting }

    /// The state once the host has done what this one asks for; `nil` when it is to be removed.
    package var settledState: State? {
        state == .deleting ? nil : source.isEnabled ? .enabled : .disabled
    }
}
