import StreamCore
import Yams

/// One of a template's `Resources`.
struct TemplateResource {
    /// The logical ID.
    let id: String
    let key: Node
    let type: String
    /// An empty map when the resource has none.
    let properties: Node
    let condition: Node?

    /// - Returns: `nil` when it is wrong, which is reported.
    init?(_ key: Node, _ id: String, _ node: Node, log: ProblemLog) {
        guard let map = ManifestMap(node, named: "resource \(id)", keys: Self.keys, log: log) else {
            return nil
        }
        map.require("Type", of: "resource \(id)")
        guard let type = map.text("Type") else { return nil }
        self.id = id
        self.key = key
        self.type = type
        properties = map["Properties"] ?? .mapping(Node.Mapping([], .implicit, .any, key.mark))
        condition = map["Condition"]
    }

    /// `DependsOn` and the policies of a stack's life need nothing done: all of a template is registered at once, and
    /// nothing of it is ever deleted by registering it again.
    private static let keys = ManifestMap.Keys(
        supported: [
            "Condition", "DeletionPolicy", "DependsOn", "Metadata", "Properties", "Type",
            "UpdateReplacePolicy",
        ],
        unsupported: ["Connectors", "CreationPolicy", "UpdatePolicy"]
    )

    /// Types that grant rights or keep logs, for which a host has no use.
    static let typesWithoutEffect: Set<String> = [
        "AWS::IAM::ManagedPolicy", "AWS::IAM::Policy", "AWS::IAM::Role", "AWS::Lambda::Permission",
        "AWS::Logs::LogGroup",
    ]
}

/// What `Ref` and `GetAtt` give for a resource.
///
/// The texts hold `{name}`, `{region}` and `{account}`.
struct ResourceIdentity {
    /// The property that names the resource; its logical ID does so without it.
    let nameKey: String
    let reference: String
    let attributes: [String: String]

    init?(type: String) {
        guard let known = Self.known[type] else { return nil }
        self = known
    }

    private init(_ nameKey: String, reference: String = "{name}", _ attributes: [String: String]) {
        self.nameKey = nameKey
        self.reference = reference
        self.attributes = attributes
    }

    static func text(_ pattern: String, name: String, _ names: ResourceNames) -> String {
        pattern.replacing("{region}", with: names.region).replacing("{account}", with: names.account)
            .replacing("{partition}", with: names.partition).replacing("{domain}", with: names.domain)
            .replacing("{name}", with: name)
    }

    private static let known: [String: ResourceIdentity] = {
        let function = ResourceIdentity(
            "FunctionName",
            ["Arn": "arn:{partition}:lambda:{region}:{account}:function:{name}"]
        )
        let table = ResourceIdentity(
            "TableName",
            ["Arn": "arn:{partition}:dynamodb:{region}:{account}:table/{name}"]
        )
        let queueURL = "https://sqs.{region}.{domain}/{account}/{name}"
        let topic = "arn:{partition}:sns:{region}:{account}:{name}"
        return [
            "AWS::Serverless::Function": function,
            "AWS::Lambda::Function": function,
            "AWS::Kinesis::Stream": ResourceIdentity(
                "Name",
                ["Arn": "arn:{partition}:kinesis:{region}:{account}:stream/{name}"]
            ),
            "AWS::SQS::Queue": ResourceIdentity(
                "QueueName",
                reference: queueURL,
                [
                    "Arn": "arn:{partition}:sqs:{region}:{account}:{name}", "QueueName": "{name}",
                    "QueueUrl": queueURL,
                ]
            ),
            "AWS::SNS::Topic": ResourceIdentity(
                "TopicName",
                reference: topic,
                ["TopicArn": topic, "TopicName": "{name}"]
            ),
            "AWS::S3::Bucket": ResourceIdentity("BucketName", ["Arn": "arn:{partition}:s3:::{name}"]),
            "AWS::DynamoDB::Table": table,
            "AWS::Serverless::SimpleTable": table,
            "AWS::IAM::Role": ResourceIdentity(
                "RoleName",
                ["Arn": "arn:{partition}:iam::{account}:role/{name}"]
            ),
            "AWS::Logs::LogGroup": ResourceIdentity(
                "LogGroupName",
                ["Arn": "arn:{partition}:logs:{region}:{account}:log-group:{name}:*"]
            ),
        ]
    }()
}
