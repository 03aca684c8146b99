import Yams

/// What a node of the document means under YAML 1.2's core schema.
///
/// Yams resolves by YAML 1.1, where a bare `on`, `yes` or `12:30` is not text.
enum YAMLValue: Equatable {
    case null
    case bool(Bool)
    case integer(Int)
    case decimal(Double)
    case text(String)
    case list
    case map
    /// A value behind a tag such as `!GetAtt`.
    case tagged(String)

    init(_ node: Node) {
        let tag = node.tag.description
        if tag.hasPrefix("!"), tag != "!" {
            self = .tagged(tag)
            return
        }
        switch node {
        case .mapping: self = .map
        case .sequence: self = .list
        case .scalar(let scalar) where scalar.style == .plain || scalar.style == .any:
            self.init(plain: scalar.string)
        case .scalar(let scalar): self = .text(scalar.string)
        case .alias(let alias): self = .tagged("*\(alias.anchor.rawValue)")
        }
    }

    private init(plain text: String) {
        switch text {
        case "", "~", "null", "Null", "NULL": self = .null
        case "true", "True", "TRUE": self = .bool(true)
        case "false", "False", "FALSE": self = .bool(false)
        default:
            let isNumber =
                text.contains(where: \.isNumber) && text.allSatisfy { "+-.0123456789eE".contains($0) }
            if isNumber, let integer = Int(text) {
                self = .integer(integer)
            } else if isNumber, let decimal = Double(text) {
                self = .decimal(decimal)
            } else {
                self = .text(text)
            }
        }
    }

    /// The value as a message shows it.
    var shown: String {
        switch self {
        case .null: "empty"
        case .bool(let value): "\(value)"
        case .integer(let value): "\(value)"
        case .decimal(let value): "\(value)"
        case .text(let value): "the text \"\(value.count <= 80 ? value : value.prefix(80) + "…")\""
        case .list: "a list"
        case .map: "a map"
        case .tagged(let tag): "a value tagged \(tag)"
        }
    }
}
