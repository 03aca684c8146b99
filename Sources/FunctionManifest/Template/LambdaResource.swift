import StreamCore
import Yams

/// CloudFormation's own resources of Lambda, put into SAM's words.
enum LambdaResource {
    /// The properties of an `AWS::Lambda::Function` as those of an `AWS::Serverless::Function`.
    static func serverless(_ properties: Node) -> Node {
        guard let entries = properties.entries else { return properties }
        let renamed = entries.map { entry -> TemplateEntry in
            switch entry.name {
            case "Code": (Self.renamed(entry.key, "CodeUri"), "CodeUri", entry.value)
            case "Tags": (entry.key, entry.name, tags(entry.value))
            default: entry
            }
        }
        return properties.map(of: renamed)
    }

    /// A list of `{Key, Value}` as a map.
    static func tags(_ node: Node) -> Node {
        guard let elements = node.elements else { return node }
        return node.map(
            of: elements.compactMap { element -> TemplateEntry? in
                let entries = element.entries ?? []
                guard let key = entries.first(where: { $0.name == "Key" })?.value,
                    let name = key.scalar?.string,
                    let value = entries.first(where: { $0.name == "Value" })?.value
                else { return nil }
                return (key, name, value)
            }
        )
    }

    /// The same key under another name, at its place.
    private static func renamed(_ key: Node, _ name: String) -> Node {
        .scalar(Node.Scalar(name, .implicit, .plain, key.mark))
    }

    /// An `AWS::Lambda::EventSourceMapping` as an event of its function.
    struct Mapping {
        /// The logical ID.
        let function: String
        /// An event of type Kinesis with its properties.
        let event: Node
        let isOfKinesis: Bool

        /// - Returns: `nil` when it names no function of the template, which is reported.
        init?(
            _ resource: TemplateResource,
            _ functions: [TemplateResource],
            _ resolver: TemplateResolver,
            _ log: ProblemLog
        ) {
            let entries = resource.properties.entries ?? []
            func value(_ name: String) -> Node? {
                entries.first { $0.name == name }.flatMap { resolver.resolve($0.value) }
            }
            guard let named = value("FunctionName") else {
                log.add(at: resource.key, "resource \(resource.id) needs FunctionName")
                return nil
            }
            guard !named.isUnresolved else { return nil }
            // A name, or an ARN that ends in one.
            let name = named.scalar?.string.split(separator: ":").last.map(String.init) ?? ""
            let function = functions.first { function in
                let own = function.properties.entries?.first { $0.name == "FunctionName" }?.value
                return (own.flatMap(resolver.resolve)?.scalar?.string ?? function.id) == name
            }
            guard let function else {
                log.add(
                    at: named,
                    "FunctionName is \(YAMLValue(named).shown); the template has no such function"
                )
                return nil
            }
            self.function = function.id
            let source = value("EventSourceArn")?.scalar?.string ?? ""
            isOfKinesis = !source.hasPrefix("arn:") || source.contains(":kinesis:")
            let properties = entries.filter { $0.name != "FunctionName" }.map { entry -> TemplateEntry in
                switch entry.name {
                case "EventSourceArn": (LambdaResource.renamed(entry.key, "Stream"), "Stream", entry.value)
                case "Tags": (entry.key, entry.name, LambdaResource.tags(entry.value))
                default: entry
                }
            }
            let mark = resource.properties.mark
            event = resource.properties.map(of: [
                (.computed("Type", at: mark), "Type", .computed("Kinesis", at: mark)),
                (.computed("Properties", at: mark), "Properties", resource.properties.map(of: properties)),
            ])
        }
    }
}
