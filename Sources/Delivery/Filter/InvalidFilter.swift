/// Why patterns are no filter: everything that is wrong with them, as whoever wrote them can use it.
package struct InvalidFilter: Error, Hashable {
    package struct Problem: Hashable, Sendable {
        /// Which of the patterns, counted from 1; `nil` when it is all of them together.
        package let pattern: Int?
        /// Where in the pattern, such as `data.price`; empty for the pattern as a whole.
        package let path: String
        /// What is true, and what is allowed.
        package let reason: String
    }

    /// Most problems that are told.
    static let maximumProblems = 10
    /// Most characters of a name or a path that are told.
    static let maximumQuotedCharacters = 64

    package let problems: [Problem]

    init(_ problems: [Problem]) {
        precondition(!problems.isEmpty, "an invalid filter has a problem")
        self.problems = Array(problems.prefix(Self.maximumProblems))
    }

    static func shortened(_ text: String) -> String {
        text.count <= maximumQuotedCharacters ? text : text.prefix(maximumQuotedCharacters) + "…"
    }
}

extension InvalidFilter: CustomStringConvertible {
    /// Starts with the service's own words, which tell no more.
    package var description: String {
        "Invalid filter pattern definition. " + problems.map(\.description).joined(separator: "; ")
    }
}

extension InvalidFilter.Problem: CustomStringConvertible {
    package var description: String {
        let place = [pattern.map { "pattern \($0)" }, path.isEmpty ? nil : path].compactMap(\.self)
        return (place.isEmpty ? "" : place.joined(separator: ", ") + ": ") + reason
    }
}
