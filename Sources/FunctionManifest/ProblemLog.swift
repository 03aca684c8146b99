import Yams

/// Collects what is wrong in one file, so that all of it is told at once.
final class ProblemLog {
    let file: String
    private var found: [ManifestProblem] = []

    init(file: String) {
        self.file = file
    }

    /// By place in the file.
    var problems: [ManifestProblem] {
        found.sorted { left, right in
            guard let leftPlace = left.place, let rightPlace = right.place else { return left.place == nil }
            return leftPlace < rightPlace
        }
    }

    func add(at place: ManifestProblem.Place?, _ message: String) {
        found.append(ManifestProblem(file: file, place: place, message: message))
    }

    func add(at node: Node, _ message: String) {
        add(at: node.place, message)
    }
}

extension Node {
    var place: ManifestProblem.Place? { mark.map(ManifestProblem.Place.init) }
}

extension ManifestProblem.Place {
    init(_ mark: Mark) {
        self.init(line: mark.line, column: mark.column)
    }
}
