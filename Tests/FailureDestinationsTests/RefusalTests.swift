import AWSClient
import FailureDestinations
import StreamCore
import TestSupport
import Testing

/// Services that refuse, or do not answer as they should.
@Suite(.timeLimit(.minutes(10)))
struct RefusalTests {
    private let bucket = FailureTarget.bucket(arn: "arn:aws:s3:::failed")
    private let topic = FailureTarget.topic(arn: "arn:aws:sns:eu-west-1:123456789012:failed")
    private let queue = FailureTarget.queue("failed")

    private func environment(_ url: String) -> [String: String] {
        ["AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret"]
    }

    @Test(arguments: [
        PreparedAnswer(
            status: 301,
            headers: ["x-amz-bucket-region": "eu-west-1"],
            body: "<Error><Code>PermanentRedirect</Code><Message>elsewhere</Message></Error>"
        ),
        PreparedAnswer(
            status: 400,
            body: """
                <Error><Code>AuthorizationHeaderMalformed</Code><Message>wrong</Message><Region>eu-west-1</Region></Error>
                """
        ),
    ])
    func `a bucket in another region is named with its region`(answer: PreparedAnswer) async throws {
        try await withServer(answering: { _ in answer }) { url in
            let refusal = await #expect(throws: DestinationRefusal.self) {
                try await FailureRouter.reaching(environment(url)).destination(of: bucket).deliver(.sample())
            }

            #expect(refusal?.reason.contains("in region eu-west-1, the host works in us-east-1") == true)
        }
    }

    @Test(arguments: [
        (
            503, "<Error><Code>SlowDown</Code><Message>Please &lt;reduce&gt;</Message></Error>",
            "SlowDown: Please <reduce>"
        ),
        (400, #"{"__type":"com.amazonaws.sqs#RequestThrottled","message":"m"}"#, "RequestThrottled: m"),
        (500, "", "HTTP 500"), (404, "no such call", "HTTP 404: no such call"),
    ])
    func `what a service says is told, with where it was asked`(
        status: Int,
        body: String,
        text: String
    ) async throws {
        try await withServer(answering: { _ in PreparedAnswer(status: status, body: body) }) { url in
            for (target, service) in [(bucket, "s3"), (topic, "sns"), (queue, "sqs")] {
                let failure = await #expect(throws: AWSServiceFailure.self) {
                    try await FailureRouter.reaching(environment(url)).destination(of: target)
                        .deliver(.sample())
                }
                #expect(failure?.description == "\(service) at \(url) (AWS_ENDPOINT_URL): \(text)")
            }
        }
    }

    @Test func `a service that does not answer, or without end, costs a bounded time and memory`()
        async throws
    {
        let gate = Gate()
        try await withServer(answering: { request in
            if request.path == "/" { await gate.pass() }
            return PreparedAnswer(status: 500, body: String(repeating: "x", count: 2_000_000))
        }) { url in
            let limits = HTTPClient.Limits(time: .milliseconds(100), responseBytes: 1 << 20)
            let hasty = FailureRouter.reaching(environment(url), http: HTTPClient(limits: limits))
            let silent = await #expect(throws: AWSServiceFailure.self) {
                try await hasty.destination(of: topic).deliver(.sample())
            }
            #expect(silent?.description.contains("did not answer within") == true)

            let patient = FailureRouter.reaching(environment(url))
            let endless = await #expect(throws: AWSServiceFailure.self) {
                try await patient.destination(of: bucket).deliver(.sample())
            }
            #expect(endless?.description.contains("exceeds 1048576 bytes") == true)
            gate.open()
        }
    }

    @Test func `a delivery that nobody waits for any longer ends before its time`() async throws {
        let (gate, requests) = (Gate(), Recorder<ReceivedRequest>())
        try await withServer(answering: { request in
            requests.append(request)
            await gate.pass()
            return PreparedAnswer()
        }) { url in
            let delivery = Task {
                try await FailureRouter.reaching(environment(url)).destination(of: topic).deliver(.sample())
            }
            await requests.wait(for: 1)

            delivery.cancel()

            await #expect(throws: CancellationError.self) { try await delivery.value }
            gate.open()
        }
    }

    @Test func `a queue's URL is asked for once, and again after an error`() async throws {
        let requests = Recorder<String>()
        try await withServer(answering: { request in
            let operation = request.target ?? ""
            requests.append(operation)
            if operation == "AmazonSQS.GetQueueUrl" {
                #expect(request.body.contains(#""QueueOwnerAWSAccountId":"123456789012""#))
                return PreparedAnswer(body: #"{"QueueUrl":"http://queue"}"#)
            }
            return PreparedAnswer(status: requests.events.count == 3 ? 500 : 200)
        }) { url in
            let router = FailureRouter.reaching(environment(url))

            try await router.destination(of: queue).deliver(.sample())
            await #expect(throws: AWSServiceFailure.self) {
                try await router.destination(of: queue).deliver(.sample())
            }
            try await router.destination(of: queue).deliver(.sample())

            let (ask, send) = ("AmazonSQS.GetQueueUrl", "AmazonSQS.SendMessage")
            #expect(requests.events == [ask, send, send, ask, send])
        }
    }

    @Test func `without credentials nothing is sent, and what was looked for is told`() async throws {
        let requests = Recorder<ReceivedRequest>()
        try await withServer(answering: { request in
            requests.append(request)
            return PreparedAnswer()
        }) { url in
            let missing = await #expect(throws: AWSCredentialsMissing.self) {
                try await FailureRouter.reaching(["AWS_ENDPOINT_URL": url]).destination(of: topic)
                    .deliver(.sample())
            }

            #expect(missing?.description.contains("AWS_ACCESS_KEY_ID") == true)
            #expect(missing?.description.contains("/nonexistent/.aws/credentials") == true)
            #expect(requests.events.isEmpty)
        }
    }

    @Test func `nobody listening is told with the address`() async throws {
        let failure = await #expect(throws: AWSServiceFailure.self) {
            try await FailureRouter.reaching(environment("http://127.0.0.1:1")).destination(of: topic)
                .deliver(.sample())
        }

        #expect(failure?.description.contains("nothing listens at http://127.0.0.1:1/") == true)
    }
}
