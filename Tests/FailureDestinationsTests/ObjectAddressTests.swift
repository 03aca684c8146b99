import AWSClient
import StreamCore
import Testing

@testable import FailureDestinations

struct ObjectAddressTests {
    @Test(
        arguments: [
            ("failed", "us-east-1", nil, "https://failed.s3.us-east-1.amazonaws.com/k"),
            ("failed", "eu-west-1", nil, "https://failed.s3.eu-west-1.amazonaws.com/k"),
            ("with.dots", "us-east-1", nil, "https://s3.us-east-1.amazonaws.com/with.dots/k"),
            ("failed", "us-east-1", "http://127.0.0.1:9000/", "http://127.0.0.1:9000/failed/k"),
        ] as [(String, String, String?, String)]
    )
    func `a bucket is in AWS's host names and in the path elsewhere`(
        bucket: String,
        region: String,
        endpoint: String?,
        url: String
    ) throws {
        let environment = endpoint.map { ["AWS_ENDPOINT_URL_S3": $0] } ?? [:]
        let destination = BucketDestination(
            target: .bucket(arn: "arn:aws:s3:::\(bucket)"),
            bucket: bucket,
            s3: AWSService(
                "s3",
                region: region,
                endpoint: try AWSEndpoint(of: "s3", region: region, environment: environment),
                credentials: AWSCredentialSource(environment: [:], homeDirectory: "/nonexistent"),
                http: HTTPClient()
            )
        )

        #expect(destination.url(of: "k") == url)
    }
}
