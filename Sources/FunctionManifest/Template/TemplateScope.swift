import StreamCore
import Yams

/// What the names in a template stand for.
struct TemplateScope {
    let log: ProblemLog
    let names: ResourceNames
    let stackName: String
    /// A value for each parameter; text, or a list for the types that are lists.
    let parameters: [String: Node]
    let conditions: [String: Node]
    let mappings: [String: Node]
    /// By logical ID.
    let resources: [String: TemplateResource]

    init(
        sections: ManifestMap,
        resources: [TemplateResource],
        options: TemplateOptions,
        names: ResourceNames
    ) {
        log = sections.log
        self.names = names
        stackName = options.stackName
        parameters = TemplateParameters.values(in: sections, given: options.parameters)
        conditions = Self.named(sections["Conditions"])
        mappings = Self.named(sections["Mappings"])
        self.resources = Dictionary(resources.map { ($0.id, $0) }) { first, _ in first }
    }

    private static func named(_ section: Node?) -> [String: Node] {
        Dictionary((section?.entries ?? []).map { ($0.name, $0.value) }) { first, _ in first }
    }

    /// What a pseudo parameter stands for; `nil` when there is none of that name.
    func pseudoParameter(_ name: String) -> String? {
        switch name {
        case "AWS::Region": names.region
        case "AWS::AccountId": names.account
        case "AWS::Partition": names.partition
        case "AWS::StackName": stackName
        case "AWS::StackId": names.arn("cloudformation", "stack/\(stackName)/0")
        case "AWS::URLSuffix": names.domain
        default: nil
        }
    }

    /// Every name that `Ref` may be given, for hints.
    var referable: [String] {
        parameters.keys.sorted() + resources.keys.sorted()
            + ["AWS::Region", "AWS::AccountId", "AWS::Partition", "AWS::StackName", "AWS::StackId"]
    }
}

/// Reads `Parameters`.
enum TemplateParameters {
    static func values(in sections: ManifestMap, given: [String: String]) -> [String: Node] {
        let log = sections.log
        let declared = sections["Parameters"]?.entries ?? []
        for name in given.keys.sorted() where !declared.contains(where: { $0.name == name }) {
            let hint = NearestName.hint(for: name, among: declared.map(\.name))
            log.add(at: nil, "the template has no parameter \(name)\(hint)")
        }
        var values: [String: Node] = [:]
        for (key, name, node) in declared {
            guard let map = ManifestMap(node, named: "parameter \(name)", keys: keys, log: log) else {
                continue
            }
            map.require("Type", of: "parameter \(name)")
            values[name] =
                value(of: name, map, given: given[name], at: key) ?? .unresolved(at: key.mark)
        }
        return values
    }

    private static let keys = ManifestMap.Keys(
        supported: [
            "AllowedPattern", "AllowedValues", "ConstraintDescription", "Default", "Description", "MaxLength",
            "MaxValue", "MinLength", "MinValue", "NoEcho", "Type",
        ],
        unsupported: []
    )

    private static func value(of name: String, _ map: ManifestMap, given: String?, at key: Node) -> Node? {
        guard let text = given ?? map["Default"]?.scalar?.string else {
            map.log.add(at: key, "parameter \(name) has no default; give it with --parameter \(name)=VALUE")
            return nil
        }
        let type = map.text("Type") ?? "String"
        if type.hasPrefix("AWS::SSM::"), given == nil {
            map.log.add(
                at: key,
                "parameter \(name) is kept in AWS Systems Manager; give it with --parameter \(name)=VALUE"
            )
            return nil
        }
        let mark = map["Default"]?.mark ?? key.mark
        let isList = type == "CommaDelimitedList" || type.hasPrefix("List<")
        let parts = isList ? text.split(separator: ",").map(Self.trimmed) : [text]
        if let rule = rule(broken: parts, of: type, map) {
            map.log.add(
                at: given == nil ? map.place(of: "Default") : key.place,
                "parameter \(name) is \"\(text)\"; \(rule)"
            )
            return nil
        }
        guard isList else { return .computed(text, at: mark) }
        return .sequence(Node.Sequence(parts.map { .computed($0, at: mark) }, .implicit, .any, mark))
    }

    private static func rule(broken parts: [String], of type: String, _ map: ManifestMap) -> String? {
        if ["Number", "List<Number>"].contains(type) {
            guard parts.allSatisfy({ Double($0) != nil }) else { return "it must be a number" }
            if let least = map.decimal("MinValue"), parts.contains(where: { Double($0) ?? least < least }) {
                return "it must be at least \(map["MinValue"]?.scalar?.string ?? "")"
            }
            if let most = map.decimal("MaxValue"), parts.contains(where: { Double($0) ?? most > most }) {
                return "it may be at most \(map["MaxValue"]?.scalar?.string ?? "")"
            }
        }
        if let least = map.decimal("MinLength"), parts.contains(where: { Double($0.count) < least }) {
            return "it must have at least \(map["MinLength"]?.scalar?.string ?? "") characters"
        }
        if let most = map.decimal("MaxLength"), parts.contains(where: { Double($0.count) > most }) {
            return "it may have at most \(map["MaxLength"]?.scalar?.string ?? "") characters"
        }
        if let allowed = map["AllowedValues"]?.elements?.compactMap({ $0.scalar?.string }) {
            guard parts.allSatisfy(allowed.contains) else {
                return "it must be one of \(allowed.joined(separator: ", "))"
            }
        }
        if let pattern = map["AllowedPattern"]?.scalar?.string, let regex = try? Regex(pattern) {
            guard parts.allSatisfy({ $0.wholeMatch(of: regex) != nil }) else {
                return "it must match \(pattern)"
            }
        }
        return nil
    }

    private static func trimmed(_ part: Substring) -> String {
        var part = part
        while part.first == " " { part.removeFirst() }
        while part.last == " " { part.removeLast() }
        return String(part)
    }
}
