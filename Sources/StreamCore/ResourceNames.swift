/// The ARNs of one account in one region, which stand in events and in API answers.
package struct ResourceNames: Hashable, Sendable {
    package let region: String
    package let account: String

    package init(region: String = "us-east-1", account: String = "000000000000") {
        self.region = region
        self.account = account
    }

    /// Which AWS it would be: that of China and that of the US government have ARNs of their own.
    package var partition: String {
        if region.hasPrefix("cn-") { return "aws-cn" }
        return region.hasPrefix("us-gov-") ? "aws-us-gov" : "aws"
    }

    /// The domain of the partition's services.
    package var domain: String { partition == "aws-cn" ? "amazonaws.com.cn" : "amazonaws.com" }

    package func arn(_ service: String, _ resource: String) -> String {
        "arn:\(partition):\(service):\(region):\(account):\(resource)"
    }

    package func stream(_ name: StreamName) -> String {
        arn("kinesis", "stream/\(name)")
    }

    package func function(_ name: FunctionName) -> String {
        arn("lambda", "function:\(name)")
    }

    /// With the qualifier when there is one.
    package func function(_ name: FunctionName, _ qualifier: FunctionQualifier?) -> String {
        function(name) + (qualifier.map { ":\($0)" } ?? "")
    }

    package func mapping(_ id: MappingID) -> String {
        arn("lambda", "event-source-mapping:\(id)")
    }

    package func role(_ name: String) -> String { "arn:\(partition):iam::\(account):role/\(name)" }

    /// The stream that an ARN or a plain name stands for; `nil` when it is neither.
    package static func streamName(in text: String) -> StreamName? {
        guard text.hasPrefix("arn:") else { return StreamName(text) }
        let fields = text.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false)
        guard fields.count == 6, fields[2] == "kinesis", fields[5].hasPrefix("stream/") else { return nil }
        return StreamName(fields[5].dropFirst("stream/".count))
    }
}
