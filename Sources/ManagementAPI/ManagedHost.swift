package import StreamCore

/// What the management API can see and do of a host.
package struct ManagedHost: Sendable {
    package let functions: @Sendable () async throws -> [RegisteredFunction]
    /// Registers the function in a folder; throws `RegistrationRefused` for one that is not right.
    package let register: @Sendable (_ directory: String) async throws -> RegisteredFunction
    /// Removes a function with its mappings and their checkpoints; `false` when there is none.
    package let remove: @Sendable (FunctionName) async throws -> Bool
    package let processes: @Sendable (FunctionName) -> HandlerReport
    package let leases: @Sendable (MappingID) async throws -> [LeaseRow]
    package let mappingState: @Sendable (EventSourceMapping) -> String

    package init(
        functions: @escaping @Sendable () async throws -> [RegisteredFunction],
        register: @escaping @Sendable (_ directory: String) async throws -> RegisteredFunction,
        remove: @escaping @Sendable (FunctionName) async throws -> Bool,
        processes: @escaping @Sendable (FunctionName) -> HandlerReport,
        leases: @escaping @Sendable (MappingID) async throws -> [LeaseRow],
        mappingState: @escaping @Sendable (EventSourceMapping) -> String
    ) {
        self.functions = functions
        self.register = register
        self.remove = remove
        self.processes = processes
        self.leases = leases
        self.mappingState = mappingState
    }
}

/// The processes of a function, as far as they run.
package struct HandlerReport: Sendable {
    package let processes: [ProcessSummary]
    package let startFailure: String?

    package init(processes: [ProcessSummary] = [], startFailure: String? = nil) {
        self.processes = processes
        self.startFailure = startFailure
    }
}

/// A definition that was not accepted: every reason, each with its file and line.
package struct RegistrationRefused: Error, Sendable, CustomStringConvertible {
    package let reasons: [String]
    package init(reasons: [String]) { self.reasons = reasons }
    package var description: String { reasons.joined(separator: "\n") }
}
