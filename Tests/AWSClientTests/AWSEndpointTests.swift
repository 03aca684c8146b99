import AWSClient
import Testing

struct AWSEndpointTests {
    @Test func `a service's own variable comes before the common one and before AWS`() throws {
        let both = ["AWS_ENDPOINT_URL": "http://all", "AWS_ENDPOINT_URL_SQS": "http://sqs/"]

        let sqs = try AWSEndpoint(of: "sqs", region: "eu-west-1", environment: both)
        let sns = try AWSEndpoint(of: "sns", region: "eu-west-1", environment: both)
        let s3 = try AWSEndpoint(of: "s3", region: "eu-west-1", environment: [:])

        #expect(sqs.description == "http://sqs (AWS_ENDPOINT_URL_SQS)")
        #expect(sns.description == "http://all (AWS_ENDPOINT_URL)")
        #expect(s3.description == "https://s3.eu-west-1.amazonaws.com")
    }

    @Test(arguments: [
        ("aws-cn", "cn-north-1", "https://sqs.cn-north-1.amazonaws.com.cn"),
        ("aws-us-gov", "us-gov-west-1", "https://sqs.us-gov-west-1.amazonaws.com"),
    ])
    func `other partitions have endpoints of their own`(partition: String, region: String, url: String) throws
    {
        #expect(try AWSEndpoint(of: "sqs", region: region, partition: partition, environment: [:]).url == url)
    }

    @Test(
        arguments: [
            ("aws", "evil.example/", [:]), ("aws", "", [:]), ("aws-iso", "us-iso-east-1", [:]),
            ("aws", "us-east-1", ["AWS_ENDPOINT_URL": "file:///etc"]),
        ] as [(String, String, [String: String])]
    )
    func `what leads to no endpoint is refused`(
        partition: String,
        region: String,
        environment: [String: String]
    ) {
        #expect(throws: AWSEndpointUnknown.self) {
            try AWSEndpoint(of: "sqs", region: region, partition: partition, environment: environment)
        }
    }
}
