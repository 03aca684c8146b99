import AWSClient
@testable import KinesisSource
import Testing

struct KinesisEndpointSettingsTests {
    @Test(
        arguments: [
            ("https://kinesis.eu-west-1.amazonaws.com", "eu-west-1", KinesisPacing.amazon),
            ("https://vpce-1-2.kinesis.us-east-2.vpce.amazonaws.com", "us-east-2", .amazon),
            ("https://12.data-kinesis.eu-north-1.amazonaws.com", "eu-north-1", .amazon),
            ("http://127.0.0.1:4600", "ap-south-1", .onDemand),
            ("https://amazonaws.com.example", "ap-south-1", .onDemand),
        ]
    )
    func `limits are those of AWS at AWS only`(url: String, region: String, pacing: KinesisPacing) throws {
        let environment = ["AWS_REGION": "ap-south-1"]

        let settings = try KinesisEndpointSettings.resolve(
            url: url,
            environment: environment,
            homeDirectory: "/nonexistent"
        )

        #expect(settings.region == region)
        #expect(settings.pacing == pacing)
        #expect(settings.endpoint.url == url)
    }

    @Test func `the environment names region and endpoint`() throws {
        func resolve(_ environment: [String: String]) throws -> KinesisEndpointSettings {
            try .resolve(environment: environment, homeDirectory: "/nonexistent")
        }

        let own = try resolve(["AWS_DEFAULT_REGION": "cn-north-1"])
        let named = try resolve(["AWS_ENDPOINT_URL_KINESIS": "http://127.0.0.1:4600/"])

        #expect(own.endpoint.url == "https://kinesis.cn-north-1.amazonaws.com.cn")
        #expect(named.endpoint.url == "http://127.0.0.1:4600")
        #expect(named.region == "us-east-1")
        #expect(throws: AWSEndpointUnknown.self) { try resolve([:]) }
    }

    @Test func `a read waits for the interval, or for what the one before has cost`() {
        var pace = ReadPace(.amazon)

        pace.note(start: .seconds(10), bytes: 100)
        #expect(pace.delay(now: .seconds(10)) == .milliseconds(200))
        #expect(pace.delay(now: .seconds(11)) == .zero)

        pace.note(start: .seconds(20), bytes: 10_000_000)
        #expect(pace.delay(now: .seconds(21)) == .seconds(4))
    }
}
