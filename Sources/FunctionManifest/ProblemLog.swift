import Yams

/// Collects what is wrong in one file, so that all of it is told at once.
final class ProblemLog {
    let file: String
    /// Numbers and truth values may be written as text, and text as numbers, as in CloudFormation's templates.
    let coerces: Bool
    private var found: Set<ManifestProblem> = []

    init(file: String, coerces: Bool = false) {
        self.file = file
        self.coerces = coerces
    }

    /// By place in the file.
    var problems: [ManifestProblem] {
        found.sorted { left, right in
            (left.place ?? .start, left.message) < (right.place ?? .start, right.message)
        }
    }

    func add(at place: ManifestProblem.Place?, _ message: String) {
        // A set: what a template refers to twice is looked at twice.
        found.insert(ManifestProblem(file: file, place: place, message: message))
    }

    func add(at node: Node, _ message: String) {
        // What stands in for a value that could not be found out has been reported already.
        guard !node.isUnresolved else { return }
        add(at: node.place, message)
    }
}

extension Node {
    /// Takes the place of a value that could not be found out.
    static func unresolved(at mark: Mark?) -> Node {
        .scalar(Scalar("", Tag(Tag.Name(rawValue: unresolvedTag)), .plain, mark))
    }

    var isUnresolved: Bool { tag.description == Self.unresolvedTag }

    private static var unresolvedTag: String { "!unresolved" }

    var place: ManifestProblem.Place? { mark.map(ManifestProblem.Place.init) }
}

extension ManifestProblem.Place {
    init(_ mark: Mark) {
        self.init(line: mark.line, column: mark.column)
    }
}
