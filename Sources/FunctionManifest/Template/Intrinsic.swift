import Yams

/// One of CloudFormation's functions, in its short form (`!Sub text`) or its long one (`{Fn::Sub: text}`).
struct Intrinsic {
    /// The long name: `Ref`, `Condition` or `Fn::Sub`.
    let name: String
    let argument: Node

    init?(_ node: Node) {
        let tag = node.tag.description
        if tag.hasPrefix("!"), tag.count > 1, !node.isUnresolved {
            let short = String(tag.dropFirst())
            name = ["Ref", "Condition"].contains(short) ? short : "Fn::\(short)"
            argument = node.untagged
            return
        }
        guard case .mapping(let mapping) = node, mapping.count == 1, let pair = mapping.first,
            let key = pair.key.scalar?.string, key == "Ref" || key.hasPrefix("Fn::")
        else { return nil }
        name = key
        argument = pair.value
    }
}

/// A pair of a map whose key is plain text.
typealias TemplateEntry = (key: Node, name: String, value: Node)

extension Node {
    /// The same without its tag.
    fileprivate var untagged: Node {
        switch self {
        case .scalar(let scalar): .scalar(Scalar(scalar.string, .implicit, scalar.style, scalar.mark))
        case .sequence(let sequence):
            .sequence(Sequence(Array(sequence), .implicit, sequence.style, sequence.mark))
        case .mapping(let mapping):
            .mapping(Mapping(mapping.map { ($0.key, $0.value) }, .implicit, mapping.style, mapping.mark))
        case .alias: self
        }
    }

    /// Text that a function gave, at the function's place; read as a number where one is needed.
    static func computed(_ text: String, at mark: Mark?) -> Node {
        .scalar(Scalar(text, .implicit, .doubleQuoted, mark))
    }

    /// The pairs of a map with plain keys; `nil` for anything else.
    var entries: [TemplateEntry]? {
        guard case .mapping(let mapping) = self else { return nil }
        return mapping.compactMap { pair -> TemplateEntry? in
            pair.key.scalar.map { (pair.key, $0.string, pair.value) }
        }
    }

    /// A map with these entries, at the place of this node.
    func map(of entries: [TemplateEntry]) -> Node {
        .mapping(Mapping(entries.map { ($0.key, $0.value) }, .implicit, .any, mark))
    }

    /// The elements of a list; `nil` for anything else.
    var elements: [Node]? {
        guard case .sequence(let sequence) = self else { return nil }
        return Array(sequence)
    }
}
