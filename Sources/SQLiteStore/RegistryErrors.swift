package import StreamCore

/// There is no such function, or it has no such version or alias.
package struct FunctionNotFound: Error, Hashable, CustomStringConvertible {
    package let function: FunctionName
    /// What the function lacks; `nil` when there is no function.
    package let qualifier: FunctionQualifier?

    package init(function: FunctionName, qualifier: FunctionQualifier? = nil) {
        self.function = function
        self.qualifier = qualifier
    }

    package var description: String {
        guard let qualifier else { return "function \(function) does not exist" }
        return "function \(function) has no version or alias \(qualifier)"
    }
}

/// A function of this name is registered already.
package struct FunctionExists: Error, Hashable, CustomStringConvertible {
    package let function: FunctionName
    package init(function: FunctionName) { self.function = function }
    package var description: String { "function \(function) exists already" }
}

/// A function or alias has changed since the caller read it.
package struct RevisionMismatch: Error, Hashable, CustomStringConvertible {
    package let function: FunctionName
    package let current: String
    package let requested: String

    package init(function: FunctionName, current: String, requested: String) {
        self.function = function
        self.current = current
        self.requested = requested
    }

    package var description: String {
        "function \(function) is at revision \(current), not at \(requested): read it again"
    }
}

/// A function's code is another one than the caller means to publish.
package struct CodeMismatch: Error, Hashable, CustomStringConvertible {
    package let function: FunctionName
    /// Base64; `nil` for code that was not uploaded.
    package let current: String?
    package let requested: String

    package init(function: FunctionName, current: String?, requested: String) {
        self.function = function
        self.current = current
        self.requested = requested
    }

    package var description: String {
        guard let current else {
            return "function \(function) runs code that was not uploaded, so it has no SHA-256 to compare"
        }
        return "the code of function \(function) has the SHA-256 \(current), not \(requested)"
    }
}

/// The function's last change is not settled: whether its code starts is not known yet.
package struct UpdateInProgress: Error, Hashable, CustomStringConvertible {
    package let function: FunctionName
    package init(function: FunctionName) { self.function = function }
    package var description: String {
        "function \(function) is being started with its last change: wait until that is done"
    }
}

/// The function has an alias of this name.
package struct AliasExists: Error, Hashable, CustomStringConvertible {
    package let function: FunctionName
    package let alias: FunctionQualifier

    package init(function: FunctionName, alias: FunctionQualifier) {
        self.function = function
        self.alias = alias
    }

    package var description: String { "function \(function) has an alias \(alias) already" }
}

/// A version or alias cannot be removed while others lead to it: they would have nothing to run.
package struct QualifierInUse: Error, Hashable, CustomStringConvertible {
    package let function: FunctionName
    package let qualifier: FunctionQualifier
    package let aliases: [FunctionQualifier]
    package let mappings: [MappingID]

    package init(
        function: FunctionName,
        qualifier: FunctionQualifier,
        aliases: [FunctionQualifier],
        mappings: [MappingID]
    ) {
        self.function = function
        self.qualifier = qualifier
        self.aliases = aliases
        self.mappings = mappings
    }

    package var description: String {
        let users =
            aliases.map { "alias \($0)" } + mappings.map { "event source mapping \($0)" }
        return "\(function):\(qualifier) is in use by \(users.joined(separator: ", "))"
    }
}

/// The mapping is not in the registry, or was removed.
package struct MappingNotFound: Error, Hashable, CustomStringConvertible {
    package let mapping: MappingID
    package init(mapping: MappingID) { self.mapping = mapping }
    package var description: String { "event source mapping \(mapping) does not exist" }
}

/// The function, under the same qualifier, has a mapping to the same stream.
package struct MappingExists: Error, Hashable, CustomStringConvertible {
    package let mapping: MappingID
    package let function: FunctionName
    package let stream: StreamName

    package init(mapping: MappingID, function: FunctionName, stream: StreamName) {
        self.mapping = mapping
        self.function = function
        self.stream = stream
    }

    package var description: String {
        "function \(function) has the event source mapping \(mapping) to stream \(stream) already: "
            + "change or remove that one"
    }
}

/// The mapping is being removed and takes no more changes.
package struct MappingInTransition: Error, Hashable, CustomStringConvertible {
    package let mapping: MappingID
    package let state: EventSourceMapping.State

    package init(mapping: MappingID, state: EventSourceMapping.State) {
        self.mapping = mapping
        self.state = state
    }

    package var description: String {
        "event source mapping \(mapping) is in the state \(state.rawValue) and cannot be changed"
    }
}

/// Two functions of one set have the same name.
package struct DuplicateFunction: Error, Hashable, CustomStringConvertible {
    package let name: FunctionName
    package var description: String { "function \(name) is defined twice" }
}

/// Two event sources of one function name the same stream.
package struct DuplicateEventSource: Error, Hashable, CustomStringConvertible {
    package let function: FunctionName
    package let stream: StreamName
    package var description: String { "function \(function) names stream \(stream) in two event sources" }
}

/// A change names another starting position than its mapping was made with.
///
/// The mapping has checkpoints since then, so the new position would have no effect.
package struct StartingPositionIsFixed: Error, Hashable, CustomStringConvertible {
    package let function: FunctionName
    package let stream: StreamName
    package let registered: StartingPosition
    package let requested: StartingPosition

    package var description: String {
        "function \(function) is registered to start in stream \(stream) at \(registered.shown), "
            + "which cannot be changed to \(requested.shown): "
            + "remove the function and register it again to start anew"
    }
}

/// The registry keeps no more of these.
package struct RegistryLimitReached: Error, Hashable, CustomStringConvertible {
    /// In words: `versions of function f`.
    package let what: String
    package let limit: Int

    package init(_ what: String, limit: Int) {
        self.what = what
        self.limit = limit
    }

    package var description: String { "there can be at most \(limit) \(what)" }
}

/// How much the registry keeps.
package enum RegistryLimits {
    /// Tags of one function or mapping, as in Lambda.
    package static let tags = 50
    package static let versionsOfFunction = 1000
    package static let aliasesOfFunction = 1000
    /// Why a function did not start, in bytes.
    package static let reasonBytes = 4096
}

extension StartingPosition {
    fileprivate var shown: String {
        guard case .atTimestamp(let time) = self else { return name }
        let (seconds, milliseconds) = time.milliseconds.quotientAndRemainder(dividingBy: 1000)
        let fraction = milliseconds == 0 ? "" : ".\(String(1000 + milliseconds).dropFirst())"
        return "\(name) \(seconds)\(fraction)"
    }
}
