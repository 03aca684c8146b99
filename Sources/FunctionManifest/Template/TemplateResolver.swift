import StreamCore
import Yams

/// Works out the functions of a template: what they give takes their place.
///
/// What cannot be worked out is reported, and `Node.unresolved` takes its place.
final class TemplateResolver {
    private let scope: TemplateScope
    private var log: ProblemLog { scope.log }
    private var depth = 0
    private var steps = 0

    /// Deeper than any template that does not refer to itself.
    private static let maximumDepth = 64
    /// Aliases can make a short text into an endless tree.
    private static let maximumSteps = 100_000

    init(_ scope: TemplateScope) {
        self.scope = scope
    }

    /// - Returns: `nil` for `AWS::NoValue`, whose key is as good as absent.
    func resolve(_ node: Node) -> Node? {
        guard enter() else {
            log.add(at: node, "it refers to itself, or is nested too deeply")
            return .unresolved(at: node.mark)
        }
        defer { depth -= 1 }
        if let intrinsic = Intrinsic(node) { return value(of: intrinsic, at: node) }
        switch node {
        case .scalar, .alias: return node
        case .sequence(let sequence):
            return .sequence(
                Node.Sequence(sequence.compactMap(resolve), .implicit, sequence.style, sequence.mark)
            )
        case .mapping(let mapping):
            let pairs = mapping.compactMap { pair in resolve(pair.value).map { (pair.key, $0) } }
            return .mapping(Node.Mapping(pairs, .implicit, mapping.style, mapping.mark))
        }
    }

    private func enter() -> Bool {
        steps += 1
        guard depth < Self.maximumDepth, steps < Self.maximumSteps else { return false }
        depth += 1
        return true
    }

    private func value(of intrinsic: Intrinsic, at node: Node) -> Node? {
        let argument = intrinsic.argument
        switch intrinsic.name {
        case "Ref": return reference(argument, at: node)
        case "Fn::GetAtt": return attribute(argument, at: node)
        case "Fn::Sub": return substitution(argument, at: node)
        case "Fn::Join": return join(argument, at: node)
        case "Fn::Split": return split(argument, at: node)
        case "Fn::Select": return select(argument, at: node)
        case "Fn::FindInMap": return find(argument, at: node)
        case "Fn::If":
            guard let parts = argument.elements, parts.count == 3, let name = parts[0].scalar?.string else {
                return refuse(node, "Fn::If must have a condition's name and two values")
            }
            guard let isTrue = condition(named: name, at: parts[0]) else { return .unresolved(at: node.mark) }
            return resolve(isTrue ? parts[1] : parts[2])
        default: return refuse(node, "\(intrinsic.name) is not supported by this version")
        }
    }

    private func refuse(_ node: Node, _ message: String) -> Node {
        log.add(at: node.place, message)
        return .unresolved(at: node.mark)
    }
}

extension TemplateResolver {
    private func reference(_ argument: Node, at node: Node) -> Node? {
        guard let name = argument.scalar?.string else { return refuse(node, "Ref must have a name") }
        if name == "AWS::NoValue" { return nil }
        if let text = scope.pseudoParameter(name) { return .computed(text, at: node.mark) }
        if let value = scope.parameters[name] { return value.at(node.mark) }
        guard let resource = scope.resources[name] else {
            let hint = NearestName.hint(for: name, among: scope.referable)
            return refuse(node, "the template has no parameter or resource \(name)\(hint)")
        }
        guard let identity = ResourceIdentity(type: resource.type) else {
            return refuse(node, "\(name) is of type \(resource.type), which names nothing here")
        }
        return identify(resource, identity, as: identity.reference, at: node)
    }

    private func attribute(_ argument: Node, at node: Node) -> Node {
        let parts =
            argument.elements?.compactMap { resolve($0)?.scalar?.string }
            ?? (argument.scalar?.string).map { $0.split(separator: ".", maxSplits: 1).map(String.init) } ?? []
        guard parts.count == 2 else {
            return refuse(node, "Fn::GetAtt must name a resource and an attribute")
        }
        guard let resource = scope.resources[parts[0]] else {
            let hint = NearestName.hint(for: parts[0], among: scope.resources.keys.sorted())
            return refuse(node, "the template has no resource \(parts[0])\(hint)")
        }
        guard let identity = ResourceIdentity(type: resource.type),
            let pattern = identity.attributes[parts[1]]
        else {
            return refuse(node, "\(parts[1]) of a \(resource.type) is not known here")
        }
        return identify(resource, identity, as: pattern, at: node)
    }

    private func identify(
        _ resource: TemplateResource,
        _ identity: ResourceIdentity,
        as pattern: String,
        at node: Node
    ) -> Node {
        guard let name = name(of: resource, identity) else { return .unresolved(at: node.mark) }
        return .computed(ResourceIdentity.text(pattern, name: name, scope.names), at: node.mark)
    }

    /// What its naming property says, else its logical ID.
    private func name(of resource: TemplateResource, _ identity: ResourceIdentity) -> String? {
        let named = resource.properties.entries?.first { $0.name == identity.nameKey }
        guard let named, let value = resolve(named.value) else { return resource.id }
        return value.isUnresolved ? nil : value.scalar?.string
    }
}

extension TemplateResolver {
    /// `text`, or `[text, {NAME: value}]`.
    private func substitution(_ argument: Node, at node: Node) -> Node {
        let parts = argument.elements ?? [argument]
        guard let text = parts.first?.scalar?.string, parts.count <= 2 else {
            return refuse(node, "Fn::Sub must have a text, or a text and a map")
        }
        var own: [String: Node] = [:]
        for entry in parts.dropFirst().first?.entries ?? [] { own[entry.name] = resolve(entry.value) }
        var result = ""
        var rest = text[...]
        while let start = rest.firstRange(of: "${") {
            result += rest[..<start.lowerBound]
            guard let end = rest[start.upperBound...].firstIndex(of: "}") else {
                return refuse(node, "Fn::Sub has a ${ without its }")
            }
            let name = String(rest[start.upperBound..<end])
            rest = rest[rest.index(after: end)...]
            if name.hasPrefix("!") {
                result += "${\(name.dropFirst())}"
                continue
            }
            guard let value = own[name] ?? named(name, at: node), let text = value.scalar?.string,
                !value.isUnresolved
            else { return .unresolved(at: node.mark) }
            result += text
        }
        return .computed(result + rest, at: node.mark)
    }

    private func named(_ name: String, at node: Node) -> Node? {
        let argument = Node.computed(name, at: node.mark)
        return name.contains(".") ? attribute(argument, at: node) : reference(argument, at: node)
    }

    private func join(_ argument: Node, at node: Node) -> Node {
        guard let parts = argument.elements, parts.count == 2, let delimiter = parts[0].scalar?.string,
            let list = resolve(parts[1])
        else { return refuse(node, "Fn::Join must have a delimiter and a list") }
        guard !list.isUnresolved, let elements = list.elements else {
            return list.isUnresolved ? list : refuse(node, "Fn::Join must have a delimiter and a list")
        }
        guard !elements.contains(where: \.isUnresolved) else { return .unresolved(at: node.mark) }
        return .computed(
            elements.compactMap { $0.scalar?.string }.joined(separator: delimiter),
            at: node.mark
        )
    }

    private func split(_ argument: Node, at node: Node) -> Node {
        guard let parts = argument.elements, parts.count == 2, let delimiter = parts[0].scalar?.string,
            !delimiter.isEmpty, let value = resolve(parts[1]), let text = value.scalar?.string
        else { return refuse(node, "Fn::Split must have a delimiter and a text") }
        guard !value.isUnresolved else { return value }
        let pieces = text.split(separator: delimiter, omittingEmptySubsequences: false)
            .map { Node.computed(String($0), at: node.mark) }
        return .sequence(Node.Sequence(pieces, .implicit, .any, node.mark))
    }

    private func select(_ argument: Node, at node: Node) -> Node {
        guard let parts = argument.elements, parts.count == 2,
            let index = (resolve(parts[0])?.scalar?.string).flatMap({ Int($0) }), let list = resolve(parts[1])
        else { return refuse(node, "Fn::Select must have a number and a list") }
        guard !list.isUnresolved else { return list }
        guard let elements = list.elements, elements.indices.contains(index) else {
            return refuse(node, "Fn::Select has no element \(index)")
        }
        return elements[index]
    }

    private func find(_ argument: Node, at node: Node) -> Node {
        let parts = (argument.elements ?? []).compactMap(resolve)
        guard parts.count == 3 else { return refuse(node, "Fn::FindInMap must have a map and two keys") }
        guard !parts.contains(where: \.isUnresolved) else { return .unresolved(at: node.mark) }
        let keys = parts.compactMap { $0.scalar?.string }
        let value = keys.dropFirst().reduce(scope.mappings[keys.first ?? ""]) { node, key in
            node?.entries?.first { $0.name == key }?.value
        }
        return value ?? refuse(node, "Mappings has no \(keys.joined(separator: "."))")
    }
}

extension TemplateResolver {
    /// - Returns: `nil` when it cannot be worked out, which is reported.
    func condition(named name: String, at node: Node) -> Bool? {
        guard let definition = scope.conditions[name] else {
            let hint = NearestName.hint(for: name, among: scope.conditions.keys.sorted())
            log.add(at: node, "the template has no condition \(name)\(hint)")
            return nil
        }
        return isTrue(definition)
    }

    private func isTrue(_ node: Node) -> Bool? {
        guard enter() else {
            log.add(at: node, "the condition refers to itself, or is nested too deeply")
            return nil
        }
        defer { depth -= 1 }
        if Intrinsic(node) == nil, let entry = node.entries?.first, entry.name == "Condition" {
            return condition(named: entry.value.scalar?.string ?? "", at: entry.value)
        }
        guard let intrinsic = Intrinsic(node) else {
            log.add(at: node, "a condition must be one of Equals, And, Or, Not and Condition")
            return nil
        }
        let parts = intrinsic.argument.elements ?? []
        switch (intrinsic.name, parts.count) {
        case ("Condition", _):
            return condition(named: intrinsic.argument.scalar?.string ?? "", at: node)
        case ("Fn::Equals", 2):
            let values = parts.compactMap(resolve)
            guard values.count == 2, !values.contains(where: \.isUnresolved) else { return nil }
            return values[0].scalar?.string == values[1].scalar?.string
        case ("Fn::Not", 1): return isTrue(parts[0]).map { !$0 }
        case ("Fn::And", 2...10): return all(parts).map { $0.allSatisfy(\.self) }
        case ("Fn::Or", 2...10): return all(parts).map { $0.contains(true) }
        default:
            log.add(at: node, "\(intrinsic.name) is no condition, or has another number of values")
            return nil
        }
    }

    private func all(_ parts: [Node]) -> [Bool]? {
        let values = parts.compactMap(isTrue)
        return values.count == parts.count ? values : nil
    }
}

extension Node {
    /// The same value at another place.
    fileprivate func at(_ mark: Mark?) -> Node {
        switch self {
        case .scalar(var scalar):
            scalar.mark = mark
            return .scalar(scalar)
        case .sequence(var sequence):
            sequence.mark = mark
            return .sequence(sequence)
        case .mapping, .alias: return self
        }
    }
}
