import Yams

/// A file's text as one YAML document.
enum ManifestDocument {
    /// - Returns: `nil` when it is none. The log tells why.
    static func node(in yaml: String, log: ProblemLog) -> Node? {
        do {
            if let node = try compose(yaml: yaml) { return node }
            log.add(at: nil, "the file is empty")
        } catch let error as YamlError {
            log.add(error, in: yaml)
        } catch {
            log.add(at: nil, "\(error)")
        }
        return nil
    }

    /// The Properties of a function.yaml: the document itself, or what a resource of a template holds.
    static func properties(in document: Node, log: ProblemLog) -> Node? {
        guard case .mapping(let mapping) = document, mapping["Type"] ?? mapping["Properties"] != nil else {
            return document
        }
        guard
            let map = ManifestMap(
                document,
                named: "the resource",
                keys: FunctionProperties.resourceKeys,
                log: log
            )
        else {
            return nil
        }
        map.require("Type", of: "the resource")
        map.require("Properties", of: "the resource")
        if let type = map.text("Type"), type != FunctionProperties.resourceType {
            let _: String? = map.refuse("Type", "it must be \(FunctionProperties.resourceType)")
        }
        return map["Properties"]
    }
}

extension ProblemLog {
    /// Reports why a file is no YAML.
    fileprivate func add(_ error: YamlError, in yaml: String) {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            add(at: ManifestProblem.Place(mark), "not valid YAML: \(problem)")
        case .reader(let problem, _, _, _):
            add(at: nil, "not valid YAML: \(problem)")
        case .duplicatedKeysInMapping(let keys, let context):
            addDuplicates(in: yaml, keys: keys, firstPlace: ManifestProblem.Place(context.mark))
        default:
            add(at: nil, "not valid YAML: \(error)")
        }
    }

    private func addDuplicates(in yaml: String, keys: [String], firstPlace: ManifestProblem.Place) {
        let repetitions = DuplicateKeys(in: yaml).repetitions
        for repetition in repetitions {
            add(at: repetition.place, "\(repetition.key) stands in line \(repetition.firstLine) already")
        }
        guard repetitions.isEmpty else { return }
        let verb = keys.count == 1 ? "appears" : "appear"
        add(at: firstPlace, "\(keys.joined(separator: ", ")) \(verb) more than once")
    }
}
