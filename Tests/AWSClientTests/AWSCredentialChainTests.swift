import Foundation
import Synchronization
import TestSupport
import Testing

@testable import AWSClient

@Suite(.timeLimit(.minutes(10)))
struct AWSCredentialChainTests {
    private final class Calls: Sendable {
        let time = Mutex<Int64>(0)
        let count = Mutex(0)
        let gate = Gate(isOpen: true)
        let failing = Mutex(false)

        func chain(lifetime: Int64?) -> AWSCredentialChain {
            let place = AWSCredentialPlace(name: "test") { [self] in
                await gate.pass()
                if failing.withLock(\.self) { throw AWSCredentialsUnavailable(place: "test", reason: "down") }
                let number = count.withLock { count in
                    count += 1
                    return count
                }
                return IssuedCredentials(
                    credentials: AWSCredentials(accessKeyID: "\(number)", secretAccessKey: "s"),
                    expiration: lifetime.map { $0 + time.withLock(\.self) }
                )
            }
            return AWSCredentialChain(places: [place]) { [self] in time.withLock(\.self) }
        }
    }

    private let calls = Calls()

    @Test func `credentials are renewed before they expire`() async throws {
        let chain = calls.chain(lifetime: 3_600_000)

        #expect(try await chain.credentials().accessKeyID == "1")
        calls.time.withLock { $0 = 3_299_999 }
        #expect(try await chain.credentials().accessKeyID == "1")
        calls.time.withLock { $0 = 3_300_000 }
        #expect(try await chain.credentials().accessKeyID == "2")
    }

    @Test func `everyone who asks at once waits for one renewal`() async throws {
        let chain = calls.chain(lifetime: 3_600_000)
        calls.gate.close()

        try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<20 { group.addTask { try await chain.credentials().accessKeyID } }
            calls.gate.open()
            for try await id in group { #expect(id == "1") }
        }
    }

    @Test func `rejected credentials are not handed out again, others are`() async throws {
        let chain = calls.chain(lifetime: nil)
        let first = try await chain.credentials()

        await chain.reject(first)
        let second = try await chain.credentials()
        await chain.reject(first)

        #expect(second.accessKeyID == "2")
        #expect(try await chain.credentials() == second)
    }

    @Test func `a renewal that fails leaves the old ones in use while they are good`() async throws {
        let chain = calls.chain(lifetime: 1_000_000)
        _ = try await chain.credentials()
        calls.failing.withLock { $0 = true }

        calls.time.withLock { $0 = 900_000 }
        #expect(try await chain.credentials().accessKeyID == "1")
        calls.time.withLock { $0 = 1_000_000 }
        await #expect(throws: AWSCredentialsUnavailable.self) { try await chain.credentials() }
        calls.failing.withLock { $0 = false }
        #expect(try await chain.credentials().accessKeyID == "2")
    }

    private func chain(
        _ environment: [String: String],
        home: String = "/nonexistent",
        now: Int64 = 1_700_000_000_000
    ) -> AWSCredentialChain {
        let base = ["AWS_EC2_METADATA_DISABLED": "true"]
        return AWSCredentialChain(
            environment: base.merging(environment) { $1 },
            homeDirectory: home,
            http: HTTPClient(limits: HTTPClient.Limits(time: .seconds(600), connecting: .seconds(600))),
            now: { now }
        )
    }

    @Test func `nothing set up is told with where was looked`() async throws {
        let missing = await #expect(throws: AWSCredentialsNotFound.self) {
            try await chain([:]).credentials()
        }

        #expect(missing?.looked.count == 5)
    }

    @Test func `the environment comes first`() async throws {
        let keys = ["AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"]

        #expect(try await chain(keys).credentials() == AWSCredentials(accessKeyID: "a", secretAccessKey: "b"))
    }

    private static let role = """
        <AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIA</AccessKeyId>
        <SecretAccessKey>role</SecretAccessKey><SessionToken>token</SessionToken>
        <Expiration>2023-11-15T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>
        """
    private static let issued = #"""
        {"AccessKeyId":"ASIA","SecretAccessKey":"role","Token":"token","Expiration":"2023-11-15T00:00:00Z"}
        """#
    private static let roleCredentials = AWSCredentials(
        accessKeyID: "ASIA",
        secretAccessKey: "role",
        sessionToken: "token"
    )

    @Test func `a profile's role is assumed with the keys of another profile`() async throws {
        let config = """
            [profile work]
            role_arn = arn:aws:iam::1:role/r
            source_profile = base
            external_id = x/y
            [profile base]
            aws_access_key_id = AKIABASE
            aws_secret_access_key = secret
            """
        try await withAnswers { _ in
            Self.role
        } body: { url, requests in
            try await withHome(config) { home in
                let chain = chain(["AWS_PROFILE": "work", "AWS_ENDPOINT_URL_STS": url], home: home)

                let found = try await chain.credentials()
                #expect(found == Self.roleCredentials)
                let request = try #require(requests.events.first)
                #expect(request.body.hasPrefix("Action=AssumeRole&"))
                #expect(request.body.contains("&ExternalId=x%2Fy"))
                #expect(request.headers["authorization"]?.contains("Credential=AKIABASE/") == true)
            }
        }
    }

    @Test func `profiles that lead to each other are refused`() async throws {
        let config = """
            [profile a]
            role_arn = arn:aws:iam::1:role/a
            source_profile = b
            [profile b]
            role_arn = arn:aws:iam::1:role/b
            source_profile = a
            """
        try await withHome(config) { home in
            await #expect(throws: AWSCredentialsUnavailable.self) {
                try await chain(["AWS_PROFILE": "a"], home: home).credentials()
            }
        }
    }

    @Test func `a program prints credentials`() async throws {
        let config = "[default]\ncredential_process = echo '\(Self.issued)'\n"
        try await withHome(config) { home in
            let found = try await chain([:], home: home).credentials()
            #expect(found == Self.roleCredentials)
        }
        try await withHome("[default]\ncredential_process = exit 3\n") { home in
            await #expect(throws: AWSCredentialsUnavailable.self) {
                try await chain([:], home: home).credentials()
            }
        }
    }

    @Test func `a token in a file is exchanged for a role`() async throws {
        try await withAnswers { _ in
            Self.role
        } body: { url, requests in
            try await withHome("a web token\n") { home in
                let environment = [
                    "AWS_WEB_IDENTITY_TOKEN_FILE": home + "/.aws/config",
                    "AWS_ROLE_ARN": "arn:aws:iam::1:role/r",
                    "AWS_ENDPOINT_URL_STS": url,
                ]

                let found = try await chain(environment).credentials()
                #expect(found == Self.roleCredentials)
                #expect(requests.events.first?.body.hasSuffix("&WebIdentityToken=a%20web%20token") == true)
                #expect(requests.events.first?.headers["authorization"] == nil)
            }
        }
    }

    @Test func `a container's endpoint is shown the token of its file`() async throws {
        try await withAnswers { _ in
            Self.issued
        } body: { url, requests in
            try await withHome("the token\n") { home in
                let environment = [
                    "AWS_CONTAINER_CREDENTIALS_FULL_URI": url + "/creds",
                    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": home + "/.aws/config",
                ]

                let found = try await chain(environment).credentials()
                #expect(found == Self.roleCredentials)
                #expect(requests.events.first?.path == "/creds")
                #expect(requests.events.first?.headers["authorization"] == "the token")
            }
        }
        await #expect(throws: AWSCredentialsUnavailable.self) {
            try await chain(["AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://example.com/creds"]).credentials()
        }
    }

    @Test func `an instance's role is asked for with a session token`() async throws {
        let answers = [
            "/latest/api/token": "session", "/latest/meta-data/iam/security-credentials/": "my-role",
            "/latest/meta-data/iam/security-credentials/my-role": Self.issued,
        ]
        try await withAnswers {
            answers[$0.path] ?? ""
        } body: { url, requests in
            let environment = ["AWS_EC2_METADATA_DISABLED": "", "AWS_EC2_METADATA_SERVICE_ENDPOINT": url]

            let found = try await chain(environment).credentials()
            #expect(found == Self.roleCredentials)
            #expect(requests.events.map(\.method) == ["PUT", "GET", "GET"])
            #expect(requests.events.last?.headers["x-aws-ec2-metadata-token"] == "session")
        }
    }

    @Test func `keys that a service no longer takes are renewed once`() async throws {
        let chain = calls.chain(lifetime: nil)
        try await withAnswers { request in
            request.headers["authorization"]?.contains("Credential=1/") == true
                ? #"400 {"__type":"ExpiredTokenException"}"# : "{}"
        } body: { url, requests in
            let service = AWSService(
                "kinesis",
                region: "us-east-1",
                endpoint: try AWSEndpoint(url: url),
                credentials: chain,
                http: HTTPClient(limits: HTTPClient.Limits(time: .seconds(600), connecting: .seconds(600)))
            )

            let response = try await service.send(service.request("X", []))
            #expect(response.status == 200)
            #expect(requests.events.count == 2)
        }
    }

    private func withHome(_ config: String, _ body: (String) async throws -> Void) async throws {
        try await withTemporaryDirectory { home in
            try FileManager.default.createDirectory(atPath: home + "/.aws", withIntermediateDirectories: true)
            try Data(config.utf8).write(to: URL(fileURLWithPath: home + "/.aws/config"))
            try await body(home)
        }
    }
}

/// Answers every request with a text; one that begins with another status and a space says so.
private func withAnswers(
    _ answer: @escaping @Sendable (RawRequest) -> String,
    body: (_ url: String, _ requests: Recorder<RawRequest>) async throws -> Void
) async throws {
    let requests = Recorder<RawRequest>()
    try await withRawServer { request in
        requests.append(request)
        let text = answer(request)
        return text.hasPrefix("400 ") ? .reply(status: 400, String(text.dropFirst(4))) : .reply(text)
    } _: {
        try await body($0, requests)
    }
}
