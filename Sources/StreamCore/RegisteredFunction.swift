/// A function as the registry keeps it, with the mappings that trigger it.
package struct RegisteredFunction: Hashable, Sendable {
    /// What runs: `$LATEST`.
    package let definition: FunctionDefinition
    /// What shall run instead as soon as one process of it has started; `nil` when nothing waits.
    package let candidate: FunctionDefinition?
    /// When the definition last changed, or its code was registered anew.
    package let lastModified: Timestamp
    /// Another one after every change.
    package let revisionID: String
    package let state: FunctionState
    package let lastUpdate: FunctionUpdate
    /// Set by PutFunctionConcurrency: 0 stops the function; `nil` leaves it to the definition.
    package let reservedConcurrency: Int?
    /// Those of the definition, and over them those that were set through the API.
    package let tags: [String: String]
    /// In order of their numbers.
    package let versions: [FunctionVersion]
    /// In order of their names.
    package let aliases: [FunctionAlias]
    /// In order of their streams.
    package let mappings: [EventSourceMapping]

    package init(
        definition: FunctionDefinition,
        candidate: FunctionDefinition? = nil,
        lastModified: Timestamp,
        revisionID: String = "",
        state: FunctionState = .active,
        lastUpdate: FunctionUpdate = .successful,
        reservedConcurrency: Int? = nil,
        tags: [String: String] = [:],
        versions: [FunctionVersion] = [],
        aliases: [FunctionAlias] = [],
        mappings: [EventSourceMapping]
    ) {
        self.definition = definition
        self.candidate = candidate
        self.lastModified = lastModified
        self.revisionID = revisionID
        self.state = state
        self.lastUpdate = lastUpdate
        self.reservedConcurrency = reservedConcurrency
        self.tags = definition.tags.merging(tags) { $1 }
        self.versions = versions
        self.aliases = aliases
        self.mappings = mappings
    }

    package var name: FunctionName { definition.name }
}

/// Whether a function can run.
package enum FunctionState: Hashable, Sendable, Codable {
    /// No process of it has started yet.
    case pending
    case active
    /// Its first code does not start.
    case failed(reason: String)
}

/// How the last change of a function's code or settings went.
package enum FunctionUpdate: Hashable, Sendable, Codable {
    case successful
    case inProgress
    /// The new code did not start; what ran before runs on.
    case failed(reason: String)
}

/// What a function was when it was published; it never changes.
package struct FunctionVersion: Hashable, Sendable, Codable {
    /// From 1.
    package let number: Int
    package let definition: FunctionDefinition
    package let published: Timestamp
    package let revisionID: String

    package init(number: Int, definition: FunctionDefinition, published: Timestamp, revisionID: String) {
        self.number = number
        self.definition = definition
        self.published = published
        self.revisionID = revisionID
    }
}

/// A name for one version of a function, which can be pointed elsewhere.
package struct FunctionAlias: Hashable, Sendable, Codable {
    package let name: FunctionQualifier
    /// A version's number or `$LATEST`.
    package let version: FunctionQualifier
    package let description: String
    package let revisionID: String

    package init(
        name: FunctionQualifier,
        version: FunctionQualifier,
        description: String = "",
        revisionID: String = ""
    ) {
        self.name = name
        self.version = version
        self.description = description
        self.revisionID = revisionID
    }
}

/// `$LATEST`, a version's number, or an alias: 1–128 of `a-zA-Z0-9-_`.
package struct FunctionQualifier: Name {
    package let text: String

    package init(unchecked text: String) { self.text = text }

    package static func isValid(_ text: String) -> Bool {
        text == "$LATEST" || ((1...128).contains(text.utf8.count) && text.utf8.allSatisfy(isNameByte))
    }

    package static let latest: FunctionQualifier = "$LATEST"

    /// The version that it numbers; `nil` for an alias or `$LATEST`.
    package var versionNumber: Int? { Int(text) }
}

extension RegisteredFunction {
    /// What runs under a qualifier, and the version's name; `nil` when there is no such version or alias.
    package func definition(
        for qualifier: FunctionQualifier?
    ) -> (version: FunctionQualifier, definition: FunctionDefinition)? {
        guard let qualifier, qualifier != .latest else { return (.latest, definition) }
        if let number = qualifier.versionNumber {
            return versions.first { $0.number == number }.map { (qualifier, $0.definition) }
        }
        guard let alias = aliases.first(where: { $0.name == qualifier }) else { return nil }
        return definition(for: alias.version)
    }
}
