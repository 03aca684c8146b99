import Foundation

/// Looks for credentials where AWS's own tools do: in the environment, then in the files with profiles.
///
/// Looks anew each time, so that keys that are exchanged in a file are taken up.
package struct AWSCredentialSource: Sendable {
    private let environment: [String: String]
    private let profile: String
    private let files: [String]

    package init(
        environment: [String: String] = ProcessInfo.processInfo.environment,
        homeDirectory: String = NSHomeDirectory()
    ) {
        func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        self.environment = environment
        profile = value("AWS_PROFILE") ?? "default"
        files = [
            value("AWS_SHARED_CREDENTIALS_FILE") ?? homeDirectory + "/.aws/credentials",
            value("AWS_CONFIG_FILE") ?? homeDirectory + "/.aws/config",
        ]
    }

    /// - Throws: `AWSCredentialsMissing`, which says where was looked and what was found there instead.
    package func credentials() throws -> AWSCredentials {
        if let credentials = AWSCredentials(environment: environment) { return credentials }
        var foreign: String?
        for path in files {
            guard let settings = ProfileFile(path: path)?.settings(of: profile) else { continue }
            if let id = settings["aws_access_key_id"], let secret = settings["aws_secret_access_key"],
                !id.isEmpty, !secret.isEmpty
            {
                return AWSCredentials(
                    accessKeyID: id,
                    secretAccessKey: secret,
                    sessionToken: settings["aws_session_token"]
                )
            }
            foreign = foreign ?? Self.indirections.first { settings[$0] != nil }.map { "\($0) in \(path)" }
        }
        throw AWSCredentialsMissing(profile: profile, files: files, unsupported: foreign)
    }

    /// Ways to come by credentials that profiles may name and that are not followed here.
    private static let indirections = [
        "role_arn", "credential_process", "sso_session", "sso_start_url", "web_identity_token_file",
        "login_session",
    ]
}

/// No keys to sign requests with.
package struct AWSCredentialsMissing: Error, Hashable, Sendable, CustomStringConvertible {
    package let profile: String
    package let files: [String]
    /// A setting of the profile that would lead to credentials and is not followed.
    package let unsupported: String?

    package var description: String {
        let looked =
            "no AWS credentials: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not both set, and profile "
            + "\(profile) has no keys in \(files.joined(separator: " or "))"
        return unsupported.map { "\(looked); \($0) is not supported" } ?? looked
    }
}
