import AWSClient
import FailureDestinations
import Foundation
import StreamCore
import Testing

/// Against moto's SQS, SNS and S3.
@Suite(.serialized, .timeLimit(.minutes(10)))
struct ServiceDeliveryTests {
    @Test func `a queue gets Lambda's record, and a queue made anew is found again`() async throws {
        try await withServices { services in
            let target = FailureTarget.queue("failed")
            let router = services.router
            // Not there yet: the failure stays with the host, and the queue's name is asked for again.
            let missing = await #expect(throws: AWSServiceFailure.self) {
                try await router.destination(of: target).deliver(.sample())
            }
            #expect(missing?.description.contains("QueueDoesNotExist") == true)
            #expect(missing?.description.contains("\(services.url) (AWS_ENDPOINT_URL)") == true)

            var url = try await services.makeQueue("failed")
            try await router.destination(of: target).deliver(.sample())
            #expect(try await services.messages(in: url) == [text(FailureRecord.metadata(of: .sample()))])

            _ = try await services.sqs("DeleteQueue", ["QueueUrl": url])
            await #expect(throws: AWSServiceFailure.self) {
                try await router.destination(of: target).deliver(.sample())
            }
            url = try await services.makeQueue("failed")
            try await router.destination(of: target).deliver(.sample(response: nil))
            #expect(
                try await services.messages(in: url) == [
                    text(FailureRecord.metadata(of: .sample(response: nil)))
                ]
            )
        }
    }

    @Test func `a FIFO queue has a failure once, however often it is delivered`() async throws {
        try await withServices { services in
            let url = try await services.makeQueue("failed.fifo", attributes: ["FifoQueue": "true"])
            let destination = try services.router.destination(of: .queue("failed.fifo"))

            for _ in 0..<3 { try await destination.deliver(.sample()) }

            #expect(try await services.messages(in: url) == [text(FailureRecord.metadata(of: .sample()))])
        }
    }

    @Test func `a topic passes Lambda's record on to its subscribers`() async throws {
        try await withServices { services in
            let url = try await services.makeQueue("subscriber")
            let arn = "arn:aws:sns:us-east-1:123456789012:failed"
            _ = try await services.sns("Action=CreateTopic&Version=2010-03-31&Name=failed")
            _ = try await services.sns(
                "Action=Subscribe&Version=2010-03-31&Protocol=sqs&TopicArn=\(arn)"
                    + "&Endpoint=arn:aws:sqs:us-east-1:123456789012:subscriber"
                    + "&Attributes.entry.1.key=RawMessageDelivery&Attributes.entry.1.value=true"
            )
            let target = FailureTarget.topic(arn: arn)

            try await services.router.destination(of: target).deliver(.sample())

            #expect(try await services.messages(in: url) == [text(FailureRecord.metadata(of: .sample()))])
            let gone = FailureTarget.topic(arn: arn + "-gone")
            let failure = await #expect(throws: AWSServiceFailure.self) {
                try await services.router.destination(of: gone).deliver(.sample())
            }
            #expect(failure?.description.contains("NotFound") == true)
        }
    }

    @Test func `a bucket gets the record with its event under Lambda's key, once`() async throws {
        try await withServices { services in
            let target = FailureTarget.bucket(arn: "arn:aws:s3:::failed")
            let destination = try services.router.destination(of: target)
            let missing = await #expect(throws: AWSServiceFailure.self) {
                try await destination.deliver(.sample())
            }
            #expect(missing?.description.contains("NoSuchBucket") == true)
            _ = try await services.s3("PUT", "/failed")
            // Larger than a body that curl announces with Expect.
            let event = Array(#"{"Records":"\#(String(repeating: "x", count: 2_000_000))"}"#.utf8)
            let failure = BatchFailure.sample(event: event)

            for _ in 0..<2 { try await destination.deliver(failure) }

            let object = try await services.s3("GET", "/failed/\(FailureObjectKey.key(of: failure))")
            #expect(object == FailureRecord.withPayload(of: failure))
            let fields = try JSONSerialization.jsonObject(with: Data(object)) as? [String: Any]
            #expect(fields?["payload"] as? String == text(event))
            let listing = text(try await services.s3("GET", "/failed"))
            #expect(listing.components(separatedBy: "<Key>").count == 2)
        }
    }

    @Test func `requests are signed as the services ask for, and refused with foreign keys`() async throws {
        try await withServices(verifying: true) { services in
            let url = try await services.makeQueue("failed")
            _ = try await services.sns("Action=CreateTopic&Name=failed&Version=2010-03-31")
            _ = try await services.s3("PUT", "/failed")
            let topic = "arn:aws:sns:us-east-1:123456789012:failed"
            let targets: [FailureTarget] = [
                .queue("failed"), .topic(arn: topic), .bucket(arn: "arn:aws:s3:::failed"),
            ]

            for target in targets { try await services.router.destination(of: target).deliver(.sample()) }

            #expect(try await services.messages(in: url).count == 1)
            var environment = services.environment
            environment["AWS_SECRET_ACCESS_KEY"] = "not the key"
            for target in targets {
                let refusal = await #expect(throws: AWSServiceFailure.self) {
                    try await FailureRouter.reaching(environment).destination(of: target).deliver(.sample())
                }
                #expect(refusal?.description.contains("Signature") == true)
            }
        }
    }

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
