import AWSClient
import Foundation
import TestSupport
import Testing

struct AWSCredentialSourceTests {
    private let file = """
        # keys of a developer
        [default]
        aws_access_key_id = default-id
        aws_secret_access_key=default/secret+=

        [work]
        AWS_ACCESS_KEY_ID = work-id
        aws_secret_access_key = work-secret
        aws_session_token = work-token
        s3 =
          max_concurrent_requests = 20

        [half]
        aws_access_key_id = half-id
        """

    @Test func `the environment comes before the files`() async throws {
        try await withHome(credentials: file) { home in
            let environment = [
                "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_PROFILE": "work",
            ]

            let found = try AWSCredentialSource(environment: environment, homeDirectory: home).credentials()

            #expect(found == AWSCredentials(accessKeyID: "id", secretAccessKey: "secret"))
        }
    }

    @Test func `a profile's keys come from the credentials file`() async throws {
        try await withHome(credentials: file) { home in
            let unnamed = try AWSCredentialSource(environment: [:], homeDirectory: home).credentials()
            let named = try AWSCredentialSource(environment: ["AWS_PROFILE": "work"], homeDirectory: home)
                .credentials()

            #expect(unnamed == AWSCredentials(accessKeyID: "default-id", secretAccessKey: "default/secret+="))
            let work = AWSCredentials(
                accessKeyID: "work-id",
                secretAccessKey: "work-secret",
                sessionToken: "work-token"
            )
            #expect(named == work)
        }
    }

    @Test func `the configuration file has keys too, and other files may be named`() async throws {
        let config = "[profile work]\naws_access_key_id = a\naws_secret_access_key = b\n"
        try await withHome(config: config) { home in
            let usual = try AWSCredentialSource(environment: ["AWS_PROFILE": "work"], homeDirectory: home)
                .credentials()
            let named = try AWSCredentialSource(
                environment: ["AWS_PROFILE": "work", "AWS_CONFIG_FILE": home + "/.aws/config"],
                homeDirectory: "/nonexistent"
            ).credentials()

            #expect(usual == AWSCredentials(accessKeyID: "a", secretAccessKey: "b"))
            #expect(named == usual)
        }
    }

    @Test func `missing credentials are told with what was looked for`() async throws {
        try await withHome(credentials: file, config: "[profile role]\nrole_arn = arn:aws:iam::1:role/r\n") {
            home in
            for profile in ["half", "nobody", "role"] {
                let source = AWSCredentialSource(environment: ["AWS_PROFILE": profile], homeDirectory: home)

                let missing = #expect(throws: AWSCredentialsMissing.self) { try source.credentials() }

                #expect(missing?.profile == profile)
                #expect(missing?.files == [home + "/.aws/credentials", home + "/.aws/config"])
                let role = "role_arn in \(home)/.aws/config"
                #expect(missing?.unsupported == (profile == "role" ? role : nil))
            }
        }
    }

    @Test func `keys that are exchanged in the file are taken up`() async throws {
        try await withHome(credentials: file) { home in
            let source = AWSCredentialSource(environment: [:], homeDirectory: home)
            _ = try source.credentials()
            let changed = "[default]\naws_access_key_id = new\naws_secret_access_key = newer\n"
            try Data(changed.utf8).write(to: URL(fileURLWithPath: home + "/.aws/credentials"))

            let exchanged = try source.credentials()
            #expect(exchanged.accessKeyID == "new")
        }
    }

    private func withHome(
        credentials: String? = nil,
        config: String? = nil,
        _ body: (String) throws -> Void
    ) async throws {
        try await withTemporaryDirectory { home in
            try FileManager.default.createDirectory(atPath: home + "/.aws", withIntermediateDirectories: true)
            for (name, text) in [("credentials", credentials), ("config", config)] {
                try text.map { try Data($0.utf8).write(to: URL(fileURLWithPath: "\(home)/.aws/\(name)")) }
            }
            try body(home)
        }
    }
}
