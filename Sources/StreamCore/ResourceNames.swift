/// The ARNs of one account in one region, which stand in events and in API answers.
package struct ResourceNames: Hashable, Sendable {
    package let region: String
    package let account: String

    package init(region: String = "us-east-1", account: String = "000000000000") {
        self.region = region
        self.account = account
    }

    package func stream(_ name: StreamName) -> String {
        "arn:aws:kinesis:\(region):\(account):stream/\(name)"
    }

    package func function(_ name: FunctionName) -> String {
        "arn:aws:lambda:\(region):\(account):function:\(name)"
    }

    /// With the qualifier when there is one.
    package func function(_ name: FunctionName, _ qualifier: FunctionQualifier?) -> String {
        function(name) + (qualifier.map { ":\($0)" } ?? "")
    }

    package func mapping(_ id: MappingID) -> String {
        "arn:aws:lambda:\(region):\(account):event-source-mapping:\(id)"
    }

    /// The stream that an ARN or a plain name stands for; `nil` when it is neither.
    package static func streamName(in text: String) -> StreamName? {
        guard text.hasPrefix("arn:") else { return StreamName(text) }
        let fields = text.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false)
        guard fields.count == 6, fields[2] == "kinesis", fields[5].hasPrefix("stream/") else { return nil }
        return StreamName(fields[5].dropFirst("stream/".count))
    }
}
