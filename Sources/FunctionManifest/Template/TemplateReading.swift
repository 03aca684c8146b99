import Foundation
import StreamCore
import Yams

/// Reads a SAM template, step by step; what is wrong goes to the log, what is left out to `leftOut`.
struct TemplateReading {
    let log: ProblemLog
    private let file: String
    private let options: TemplateOptions
    private let names: ResourceNames
    private(set) var functions: [FunctionDefinition] = []
    private(set) var streams: [TemplateStream] = []
    private(set) var leftOut: [ManifestProblem] = []

    init(file: String, options: TemplateOptions, names: ResourceNames) {
        self.file = file
        self.options = options
        self.names = names
        log = ProblemLog(file: file, coerces: true)
        guard let text = ManifestFile.text(of: file, log: log),
            let document = ManifestDocument.node(in: text, log: log),
            let sections = ManifestMap(document, named: "the template", keys: TemplateKeys.sections, log: log)
        else { return }
        checkTransform(sections)
        sections.require("Resources", of: "the template")
        let resources = (sections["Resources"]?.entries ?? []).compactMap { key, id, node in
            TemplateResource(key, id, node, log: log)
        }
        let scope = TemplateScope(sections: sections, resources: resources, options: options, names: names)
        let resolver = TemplateResolver(scope)
        // What its condition rules out does not exist.
        let existing = resources.filter { resource in
            guard let condition = resource.condition else { return true }
            return resolver.condition(named: condition.scalar?.string ?? "", at: condition) ?? false
        }
        read(existing, globals: sections["Globals"], resolver)
        if let outputs = sections["Outputs"] { note(outputs, "Outputs has no effect here") }
        refuseSameNames(of: existing)
    }

    private func checkTransform(_ sections: ManifestMap) {
        guard let node = sections["Transform"] else { return }
        for name in node.elements ?? [node] where name.scalar?.string != TemplateKeys.transform {
            log.add(
                at: name,
                "transform \(YAMLValue(name).shown) is not known; it must be \(TemplateKeys.transform)"
            )
        }
    }

    private mutating func read(_ resources: [TemplateResource], globals: Node?, _ resolver: TemplateResolver)
    {
        var mappings: [TemplateResource] = []
        var functions: [(resource: TemplateResource, properties: Node)] = []
        for resource in resources {
            switch resource.type {
            case FunctionProperties.resourceType:
                let own = globals?.entries?.first { $0.name == "Function" }
                    .map { GlobalsMerge.merged($0.value, resource.properties) }
                functions.append((resource, own ?? resource.properties))
            case "AWS::Lambda::Function":
                functions.append((resource, LambdaResource.serverless(resource.properties)))
            case "AWS::Lambda::EventSourceMapping": mappings.append(resource)
            case "AWS::Kinesis::Stream":
                let stream = TemplateStream(resource, resolver, log)
                if let stream { streams.append(stream) }
            case let type where TemplateResource.typesWithoutEffect.contains(type):
                note(resource.key, "resource \(resource.id) of type \(type) has no effect here")
            default:
                refuse(
                    resource.key,
                    "resource \(resource.id) is of type \(resource.type), which is not supported by this version"
                )
            }
        }
        let events = events(of: mappings, functions.map(\.resource), resolver)
        for (resource, properties) in functions {
            read(resource, properties, extraEvents: events[resource.id] ?? [], resolver)
        }
    }
}

extension TemplateReading {
    private mutating func read(
        _ resource: TemplateResource,
        _ properties: Node,
        extraEvents: [TemplateEntry],
        _ resolver: TemplateResolver
    ) {
        var entries: [TemplateEntry] = []
        var events = extraEvents
        for entry in properties.entries ?? [] {
            if entry.name == "Events", let own = entry.value.entries {
                events = own.filter { keeps(event: $0.name, $0.key, $0.value) } + events
            } else if keeps(entry.key, entry.name) {
                entries.append(entry)
            }
        }
        if !events.isEmpty {
            let key = Node.computed("Events", at: events[0].key.mark)
            entries.append((key, "Events", properties.map(of: events)))
        }
        guard
            let node = resolver.resolve(properties.entries == nil ? properties : properties.map(of: entries))
        else { return }
        let function = FunctionProperties(
            node,
            defaultName: FunctionProperties.DefaultName(text: resource.id, origin: "the resource's name"),
            folder: URL(fileURLWithPath: file).deletingLastPathComponent().standardizedFileURL,
            names: names,
            log: log
        )
        if let definition = function?.definition { functions.append(definition) }
    }

    /// Whether a function's property is to be read.
    private mutating func keeps(_ key: Node, _ name: String) -> Bool {
        if TemplateKeys.functionKeysWithoutEffect.contains(name) {
            note(key, "\(name) has no effect here")
            return false
        }
        guard FunctionProperties.keys.unsupported.contains(name),
            !TemplateKeys.functionKeysThatAreTheCode.contains(name)
        else { return true }
        refuse(key, "\(name) is not supported by this version")
        return false
    }

    /// Whether an event is to be read: all but those of types that are SAM's and not ours.
    private mutating func keeps(event name: String, _ key: Node, _ event: Node) -> Bool {
        let type = event.entries?.first { $0.name == "Type" }?.value.scalar?.string
        guard let type, EventProperties.otherTypes.contains(type) else { return true }
        refuse(
            key,
            "event \(name) is of type \(type), which is not supported by this version, only Kinesis is"
        )
        return false
    }

    /// The events that `AWS::Lambda::EventSourceMapping` resources add, by the logical ID of their function.
    private mutating func events(
        of mappings: [TemplateResource],
        _ functions: [TemplateResource],
        _ resolver: TemplateResolver
    ) -> [String: [TemplateEntry]] {
        var events: [String: [TemplateEntry]] = [:]
        for mapping in mappings {
            let resource = LambdaResource.Mapping(mapping, functions, resolver, log)
            guard let resource else { continue }
            if resource.isOfKinesis {
                events[resource.function, default: []].append((mapping.key, mapping.id, resource.event))
            } else {
                refuse(
                    mapping.key,
                    "resource \(mapping.id) reads no Kinesis stream, which is not supported by this version"
                )
            }
        }
        return events
    }

    private func refuseSameNames(of resources: [TemplateResource]) {
        var seen: Set<String> = []
        for function in functions where !seen.insert(function.name.text).inserted {
            log.add(at: nil, "two resources are called function \(function.name)")
        }
        var streamNames: Set<StreamName> = []
        for stream in streams where !streamNames.insert(stream.name).inserted {
            log.add(at: nil, "two resources are called stream \(stream.name)")
        }
    }

    /// Without an effect here: said, and no reason to refuse the template.
    private mutating func note(_ node: Node, _ message: String) {
        leftOut.append(ManifestProblem(file: file, place: node.place, message: message))
    }

    private mutating func refuse(_ node: Node, _ message: String) {
        guard options.skipsUnsupported else { return log.add(at: node, message) }
        note(node, message)
    }
}
