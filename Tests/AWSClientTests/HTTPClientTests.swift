import AWSClient
import Foundation
import HTTPTypes
import Hummingbird
import ServerSupport
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(10)))
struct HTTPClientTests {
    /// A busy machine takes its time.
    private static let patient = HTTPClient.Limits(time: .seconds(600), connecting: .seconds(600))

    @Test func `status, headers and body come back`() async throws {
        try await withServer { url in
            let response = try await HTTPClient(limits: Self.patient).send(
                ClientRequest(
                    method: "PUT",
                    url: url + "/echo",
                    headers: [("X-Thing", "one")],
                    body: Array("hello".utf8)
                )
            )

            #expect(response.status == 201)
            #expect(response.headers["x-method"] == "PUT")
            #expect(response.headers["x-thing"] == "one")
            #expect(response.body == Array("hello".utf8))
        }
    }

    @Test func `a body of several megabytes goes there and back`() async throws {
        try await withServer { url in
            let body = (0..<5_000_000).map { UInt8(truncatingIfNeeded: $0) }

            let response = try await HTTPClient(limits: Self.patient).send(
                ClientRequest(method: "POST", url: url + "/echo", body: body)
            )

            #expect(response.body == body)
        }
    }

    @Test func `requests one after the other share a connection`() async throws {
        try await withServer { url in
            let client = HTTPClient(limits: Self.patient)
            var ports: Set<String> = []

            for _ in 0..<5 {
                let response = try await client.send(ClientRequest(url: url + "/echo"))
                ports.insert(response.headers["x-peer"] ?? "")
            }

            #expect(ports.count == 1)
        }
    }

    @Test func `requests at once all get their own answers`() async throws {
        try await withServer { url in
            let client = HTTPClient(limits: Self.patient)
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for index in 0..<40 {
                    group.addTask {
                        let body = Array("request \(index)".utf8)
                        return try await client.send(
                            ClientRequest(method: "POST", url: url + "/echo", body: body)
                        ).body == body
                    }
                }
                for try await isOwn in group { #expect(isOwn) }
            }
        }
    }

    @Test func `credentials sign the request`() async throws {
        try await withServer { url in
            let credentials = AWSCredentials(
                accessKeyID: "AKID",
                secretAccessKey: "secret",
                sessionToken: "token"
            )
            let signing = AWSSigning(credentials: credentials, region: "eu-west-1", service: "kinesis")

            let response = try await HTTPClient(limits: Self.patient).send(
                ClientRequest(method: "POST", url: url + "/echo", body: Array("{}".utf8)),
                signing: signing
            )

            let authorization = try #require(response.headers["x-authorization"])
            #expect(authorization.hasPrefix("AWS4-HMAC-SHA256 Credential=AKID/"))
            #expect(authorization.contains("/eu-west-1/kinesis/aws4_request"))
            #expect(authorization.contains("x-amz-security-token"))
        }
    }

    @Test func `nobody listening is told apart from a server that does not answer`() async throws {
        let port = try ReservedPort()
        let unused = "http://127.0.0.1:\(port.number)"
        await #expect(throws: HTTPFailure.connectionRefused(url: unused)) {
            try await HTTPClient(limits: Self.patient).send(ClientRequest(url: unused))
        }

        try await withServer { url in
            let client = HTTPClient(timeout: .milliseconds(50))
            await #expect(throws: HTTPFailure.timedOut(url: url + "/silence", after: .milliseconds(50))) {
                try await client.send(ClientRequest(url: url + "/silence"))
            }
        }
    }

    @Test func `an answer larger than the limit ends the request`() async throws {
        try await withServer { url in
            let limits = HTTPClient.Limits(
                time: .seconds(600),
                responseBytes: 100_000,
                connecting: .seconds(600)
            )
            let client = HTTPClient(limits: limits)
            let body = [UInt8](repeating: 0, count: 200_000)

            await #expect(
                throws: HTTPFailure.failed(url: url + "/echo", reason: "the answer exceeds 100000 bytes")
            ) {
                try await client.send(ClientRequest(method: "POST", url: url + "/echo", body: body))
            }

            let next = try await client.send(ClientRequest(method: "POST", url: url + "/echo", body: [1]))
            #expect(next.body == [1])
        }
    }

    @Test func `a cancelled request ends before its time`() async throws {
        try await withServer { url in
            let client = HTTPClient(limits: Self.patient)
            let request = Task { try await client.send(ClientRequest(url: url + "/silence")) }

            request.cancel()

            await #expect(throws: CancellationError.self) { try await request.value }
        }
    }

    @Test func `credentials come from the environment`() {
        let complete = ["AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_SESSION_TOKEN": "c"]

        #expect(
            AWSCredentials(environment: complete)
                == AWSCredentials(accessKeyID: "a", secretAccessKey: "b", sessionToken: "c")
        )
        #expect(AWSCredentials(environment: ["AWS_ACCESS_KEY_ID": "a"]) == nil)
    }
}

/// A server that answers `/echo` with what it was sent and leaves `/silence` without answer until its client goes.
private func withServer<Result: Sendable>(
    _ body: @escaping @Sendable (_ url: String) async throws -> Result
) async throws -> Result {
    let (silence, end) = AsyncStream.makeStream(of: Void.self)
    let responder = CallbackResponder { (request: Request, context: PeerContext) in
        if request.uri.path == "/silence" { for await _ in silence {} }
        return try await echo(request, peer: context.peer)
    }
    return try await withLoopbackServer(responder) { port in
        defer { end.finish() }
        return try await body("http://127.0.0.1:\(port)")
    }
}

private func echo(_ request: Request, peer: String) async throws -> Response {
    let body = try await request.body.collect(upTo: 1 << 24)
    var headers = HTTPFields()
    func set(_ name: String, _ value: String?) {
        if let name = HTTPField.Name(name) { headers[name] = value }
    }
    set("x-peer", peer)
    set("x-method", request.method.rawValue)
    set("x-thing", HTTPField.Name("x-thing").flatMap { request.headers[$0] })
    set("x-authorization", request.headers[.authorization])
    return Response(status: .created, headers: headers, body: ResponseBody(byteBuffer: body))
}

private struct PeerContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let peer: String

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        peer = "\(source.channel.remoteAddress?.port ?? 0)"
    }
}
