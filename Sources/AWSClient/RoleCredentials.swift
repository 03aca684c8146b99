import Foundation

/// Credentials of a role, which STS hands out.
struct RoleCredentials: Sendable {
    let settings: AWSSettings
    let region: String?
    let http: HTTPClient

    /// As Kubernetes and others set it up: a file with a token that proves who this is.
    func fromEnvironment() async throws -> IssuedCredentials? {
        guard let file = settings["AWS_WEB_IDENTITY_TOKEN_FILE"], let role = settings["AWS_ROLE_ARN"] else {
            return nil
        }
        return try await assume(
            role,
            session: settings["AWS_ROLE_SESSION_NAME"],
            tokenFile: file,
            region: nil
        )
    }

    func assume(_ role: String, session: String?, tokenFile: String, region: String?) async throws
        -> IssuedCredentials
    {
        var form = Self.form("AssumeRoleWithWebIdentity", role, session)
        form.append(("WebIdentityToken", try wordInFile(tokenFile)))
        return try await call(form, credentials: nil, region: region, role: role)
    }

    /// - Parameter settings: Of the profile that names the role.
    func assume(
        _ role: String,
        with source: AWSCredentials,
        settings: [String: String]
    ) async throws -> IssuedCredentials {
        var form = Self.form("AssumeRole", role, settings["role_session_name"])
        if let id = settings["external_id"] { form.append(("ExternalId", id)) }
        if let seconds = settings["duration_seconds"] { form.append(("DurationSeconds", seconds)) }
        return try await call(form, credentials: source, region: settings["region"], role: role)
    }

    private static func form(_ action: String, _ role: String, _ session: String?) -> [(String, String)] {
        [
            ("Action", action), ("Version", "2011-06-15"), ("RoleArn", role),
            ("RoleSessionName", session ?? "millrace-\(ProcessInfo.processInfo.processIdentifier)"),
        ]
    }

    private func call(
        _ form: [(String, String)],
        credentials: AWSCredentials?,
        region profileRegion: String?,
        role: String
    ) async throws -> IssuedCredentials {
        let region = region ?? settings.region ?? profileRegion ?? "us-east-1"
        let partition =
            role.split(separator: ":", omittingEmptySubsequences: false).dropFirst().first ?? "aws"
        let endpoint = try AWSEndpoint(
            of: "sts",
            region: region,
            partition: String(partition),
            environment: settings.environment
        )
        let response = try await http.send(
            ClientRequest(
                method: "POST",
                url: endpoint.url + "/",
                headers: [("Content-Type", "application/x-www-form-urlencoded")],
                body: Array(form.map { "\($0)=\($1.percentEncoded)" }.joined(separator: "&").utf8)
            ),
            signing: credentials.map { AWSSigning(credentials: $0, region: region, service: "sts") }
        )
        guard (200..<300).contains(response.status) else {
            throw AWSCredentialsUnavailable(place: "sts at \(endpoint)", reason: "\(AWSError(response))")
        }
        let text = String(decoding: response.body, as: UTF8.self)
        guard let id = xmlText(of: "AccessKeyId", in: text),
            let secret = xmlText(of: "SecretAccessKey", in: text),
            let token = xmlText(of: "SessionToken", in: text),
            let expiration = xmlText(of: "Expiration", in: text).flatMap(milliseconds(ofISO8601:))
        else {
            throw AWSCredentialsUnavailable(
                place: "sts at \(endpoint)",
                reason: "the answer holds no credentials"
            )
        }
        return IssuedCredentials(
            credentials: AWSCredentials(accessKeyID: id, secretAccessKey: secret, sessionToken: token),
            expiration: expiration
        )
    }
}

extension String {
    fileprivate var percentEncoded: String {
        let plain = CharacterSet(
            charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~"
        )
        return addingPercentEncoding(withAllowedCharacters: plain) ?? self
    }
}

/// Milliseconds since 1970 of a moment as `2026-01-02T03:04:05Z`, with or without a fraction.
func milliseconds(ofISO8601 text: String) -> Int64? {
    for style in [Date.ISO8601FormatStyle(), Date.ISO8601FormatStyle(includingFractionalSeconds: true)] {
        if let date = try? style.parse(text) { return Int64(date.timeIntervalSince1970 * 1_000) }
    }
    return nil
}
