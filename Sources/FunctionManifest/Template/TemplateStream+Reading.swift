import StreamCore

extension TemplateStream {
    /// Reads an `AWS::Kinesis::Stream`.
    ///
    /// - Returns: `nil` when it is wrong, which is reported.
    init?(_ resource: TemplateResource, _ resolver: TemplateResolver, _ log: ProblemLog) {
        let tagged = resource.properties.entries.map { entries in
            resource.properties.map(
                of: entries.map {
                    ($0.key, $0.name, $0.name == "Tags" ? LambdaResource.tags($0.value) : $0.value)
                }
            )
        }
        let name = "stream \(resource.id)"
        guard let node = resolver.resolve(tagged ?? resource.properties),
            let map = ManifestMap(node, named: name, keys: TemplateKeys.stream, log: log)
        else { return nil }
        let text = map.has("Name") ? map.text("Name") : resource.id
        let streamName: StreamName? = text.flatMap {
            StreamName($0) ?? map.refuse("Name", "a stream's name has 1–128 of a-z A-Z 0-9 _ . -")
        }
        let shards = map.integer("ShardCount", in: 1...10_000)
        let retention = map.integer("RetentionPeriodHours", in: 24...8_760)
        let mode = map.map("StreamModeDetails", keys: TemplateKeys.streamMode)?.text("StreamMode")
        if mode == "PROVISIONED" { map.require("ShardCount", of: "\(name) of mode PROVISIONED") }
        if let mode, !["PROVISIONED", "ON_DEMAND"].contains(mode) {
            log.add(at: node, "StreamMode is \(mode); it must be PROVISIONED or ON_DEMAND")
        }
        let tags = TagProperties.tags(in: map)
        guard let streamName else { return nil }
        self.init(
            name: streamName,
            shardCount: mode == "ON_DEMAND" ? nil : shards,
            retentionHours: retention,
            tags: tags
        )
    }
}
