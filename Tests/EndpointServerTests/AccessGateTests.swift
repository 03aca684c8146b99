import AWSClient
import AccessControl
import Foundation
import TestSupport
import Testing

@testable import EndpointServer

/// The door as libcurl finds it, which signs on its own.
@Suite(.timeLimit(.minutes(10)))
struct AccessGateTests {
    private static let key = AccessKey.generate(role: .admin, name: nil)

    private func gate(maximumUnverifiedBytes: Int = 10_000) -> AccessGate {
        AccessGate(
            verifier: SignatureVerifier(
                region: "us-east-1",
                keys: { $0 == Self.key.id ? Self.key : nil },
                now: { SigningTime(Date()) }
            ),
            isEncrypted: false,
            maximumUnverifiedBytes: maximumUnverifiedBytes
        )
    }

    private func send(
        _ server: TestServer,
        _ body: String = "",
        secret: String = key.secret
    ) async throws -> ClientResponse {
        let limits = HTTPClient.Limits(time: .seconds(600), connecting: .seconds(600))
        let credentials = AWSCredentials(accessKeyID: Self.key.id, secretAccessKey: secret)
        return try await HTTPClient(limits: limits).send(
            ClientRequest(
                method: "POST",
                url: "http://127.0.0.1:\(server.port)/call",
                // libcurl adds one of its own otherwise, and does not sign that.
                headers: [("Content-Type", "application/json")],
                body: Array(body.utf8)
            ),
            signing: AWSSigning(credentials: credentials, region: "us-east-1", service: "millrace")
        )
    }

    @Test func `what is signed gets in with its whole body, and nothing else`() async throws {
        try await TestServer.with(.patient, gate: gate()) { server in
            let admitted = try await send(server, "0123456789")
            let refused = try await send(server, "0123456789", secret: "another")

            #expect(admitted.status == 200)
            #expect(admitted.body == Array("10".utf8))
            #expect(refused.status == 403)
            #expect(refused.headers["x-amzn-errortype"] == "InvalidSignatureException")
        }
    }

    @Test func `a body over the limit of its API is refused`() async throws {
        try await TestServer.with(.patient, gate: gate()) { server in
            let refused = try await send(server, String(repeating: "a", count: 1_001))

            #expect(refused.status == 413)
        }
    }

    @Test func `unverified bodies have a bound together, and give back their room`() async throws {
        try await TestServer.with(.patient, gate: gate(maximumUnverifiedBytes: 100)) { server in
            #expect(try await send(server, String(repeating: "a", count: 101)).status == 503)
            for secret in ["another", Self.key.secret] {
                let answer = try await send(server, String(repeating: "a", count: 100), secret: secret)
                #expect(answer.status == (secret == "another" ? 403 : 200))
            }
        }
    }
}
