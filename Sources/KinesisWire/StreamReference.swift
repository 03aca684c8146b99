/// How a request names its stream: by name, by ARN, or by both.
package struct StreamReference: Hashable, Sendable {
    package let name: String?
    package let arn: String?

    package init(name: String?, arn: String?) {
        self.name = name
        self.arn = arn
    }
}
