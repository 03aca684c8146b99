package import StreamCore

/// What the management API can see and do of a host.
package struct ManagedHost: Sendable {
    package let functions: @Sendable () async throws -> [RegisteredFunction]
    /// Registers the function in a folder; throws `RegistrationRefused` for one that is not right.
    package let register: @Sendable (_ directory: String) async throws -> RegisteredFunction
    /// Registers every function of a SAM template or, when it throws `RegistrationRefused`, none.
    package let registerTemplate: @Sendable (TemplateRequest) async throws -> RegisteredTemplate
    /// Removes a function with its mappings and their checkpoints; `false` when there is none.
    package let remove: @Sendable (FunctionName) async throws -> Bool
    package let processes: @Sendable (FunctionName) -> HandlerReport
    package let leases: @Sendable (MappingID) async throws -> [LeaseRow]
    package let mappingState: @Sendable (EventSourceMapping) -> String
    package let retention: ManagedRetention?
    package let failures: ManagedFailures?
    package let inspection: (any LeaseInspection)?

    package init(
        functions: @escaping @Sendable () async throws -> [RegisteredFunction],
        register: @escaping @Sendable (_ directory: String) async throws -> RegisteredFunction,
        registerTemplate: @escaping @Sendable (TemplateRequest) async throws -> RegisteredTemplate = { _ in
            throw RegistrationRefused(reasons: ["this host reads no templates"])
        },
        remove: @escaping @Sendable (FunctionName) async throws -> Bool,
        processes: @escaping @Sendable (FunctionName) -> HandlerReport,
        leases: @escaping @Sendable (MappingID) async throws -> [LeaseRow],
        mappingState: @escaping @Sendable (EventSourceMapping) -> String,
        retention: ManagedRetention? = nil,
        failures: ManagedFailures? = nil,
        inspection: (any LeaseInspection)? = nil
    ) {
        self.functions = functions
        self.register = register
        self.registerTemplate = registerTemplate
        self.remove = remove
        self.processes = processes
        self.leases = leases
        self.mappingState = mappingState
        self.retention = retention
        self.failures = failures
        self.inspection = inspection
    }
}

/// The functions of a template once they are registered, and what else the template says.
package struct RegisteredTemplate: Sendable {
    package let functions: [RegisteredFunction]
    package let streams: [StreamPlan]
    package let leftOut: [String]

    package init(functions: [RegisteredFunction], streams: [StreamPlan], leftOut: [String]) {
        self.functions = functions
        self.streams = streams
        self.leftOut = leftOut
    }
}

/// How long a host's streams keep their records, in hours; `nil` for ever.
///
/// The calls throw `StreamNotFound`.
package struct ManagedRetention: Sendable {
    package let limits: ClosedRange<Int>
    package let hours: @Sendable (StreamName) async throws -> Int?
    package let setHours: @Sendable (StreamName, Int?) async throws -> Void

    package init(
        limits: ClosedRange<Int>,
        hours: @escaping @Sendable (StreamName) async throws -> Int?,
        setHours: @escaping @Sendable (StreamName, Int?) async throws -> Void
    ) {
        self.limits = limits
        self.hours = hours
        self.setHours = setHours
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
