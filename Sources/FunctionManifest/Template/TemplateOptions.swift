package import StreamCore

/// How a SAM template is to be read.
package struct TemplateOptions: Hashable, Sendable {
    /// Values for the template's Parameters, over their defaults.
    package let parameters: [String: String]
    /// What `AWS::StackName` stands for.
    package let stackName: String
    /// Whether events, resources and properties that cannot be carried out are left out instead of refused.
    package let skipsUnsupported: Bool

    package static let defaultStackName = "sam-app"

    package init(
        parameters: [String: String] = [:],
        stackName: String = TemplateOptions.defaultStackName,
        skipsUnsupported: Bool = false
    ) {
        self.parameters = parameters
        self.stackName = stackName
        self.skipsUnsupported = skipsUnsupported
    }
}

/// What a SAM template says, as far as a host carries it out.
package struct SAMTemplate: Sendable {
    /// In the order of the template.
    package let functions: [FunctionDefinition]
    package let streams: [TemplateStream]
    /// What stands in the template and is not carried out, with its place and why.
    package let leftOut: [ManifestProblem]
}

/// An `AWS::Kinesis::Stream` of a template.
package struct TemplateStream: Hashable, Sendable, Codable {
    package let name: StreamName
    /// `nil` for a stream on demand.
    package let shardCount: Int?
    /// 24–8,760; `nil` leaves it to the host.
    package let retentionHours: Int?
    package let tags: [String: String]

    package init(name: StreamName, shardCount: Int?, retentionHours: Int?, tags: [String: String]) {
        self.name = name
        self.shardCount = shardCount
        self.retentionHours = retentionHours
        self.tags = tags
    }
}
