/// One thing that is wrong in a function.yaml, with the place where it stands.
package struct ManifestProblem: Error, Hashable, CustomStringConvertible {
    package let file: String
    /// `nil` when the file as a whole is meant.
    package let place: Place?
    package let message: String

    /// Both count from 1.
    package struct Place: Hashable, Comparable, Sendable {
        package let line: Int
        package let column: Int

        package init(line: Int, column: Int) {
            self.line = line
            self.column = column
        }

        static let start = Place(line: 1, column: 1)

        package static func < (left: Place, right: Place) -> Bool {
            (left.line, left.column) < (right.line, right.column)
        }
    }

    package var description: String {
        guard let place else { return "\(file): \(message)" }
        return "\(file):\(place.line):\(place.column): \(message)"
    }
}

/// Everything that is wrong in a set of functions: nothing of the set may be registered.
package struct InvalidManifests: Error, Hashable, CustomStringConvertible {
    /// At least one; by file, then by place.
    package let problems: [ManifestProblem]

    /// A line for each problem.
    package var description: String { problems.map(\.description).joined(separator: "\n") }
}
