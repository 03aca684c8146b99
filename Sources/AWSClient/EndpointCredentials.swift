import Foundation

/// Credentials that the container or the machine hands out over HTTP.
struct EndpointCredentials: Sendable {
    private static let tokenSeconds = 21_600

    let settings: AWSSettings
    let http: HTTPClient

    /// Of ECS, EKS and others that speak as they do.
    func ofContainer() async throws -> IssuedCredentials? {
        let url: String
        if let path = settings["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] {
            url = "http://169.254.170.2" + path
        } else if let full = settings["AWS_CONTAINER_CREDENTIALS_FULL_URI"] {
            guard Self.isTrustworthy(full) else {
                throw AWSCredentialsUnavailable(
                    place: "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                    reason: "\(full) is neither https nor on this machine"
                )
            }
            url = full
        } else {
            return nil
        }
        var headers: [(name: String, value: String)] = [("Accept", "application/json")]
        // The file is read each time: its token is exchanged now and then.
        if let file = settings["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] {
            headers.append(("Authorization", try wordInFile(file)))
        } else if let token = settings["AWS_CONTAINER_AUTHORIZATION_TOKEN"] {
            headers.append(("Authorization", token))
        }
        return try await get(url, headers)
    }

    /// A token that goes over the network without TLS would be anyone's.
    private static func isTrustworthy(_ url: String) -> Bool {
        if url.hasPrefix("https://") { return true }
        guard let parts = URLComponents(string: url), parts.scheme == "http" else { return false }
        let host = parts.host ?? ""
        // The last three are those of ECS and EKS.
        return host == "localhost" || host.hasPrefix("127.")
            || ["::1", "[::1]", "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"].contains(host)
    }

    /// Of the role of an EC2 instance, by version 2 of its metadata service.
    func ofInstance() async throws -> IssuedCredentials? {
        guard settings["AWS_EC2_METADATA_DISABLED"]?.lowercased() != "true" else { return nil }
        let base = settings["AWS_EC2_METADATA_SERVICE_ENDPOINT"] ?? "http://169.254.169.254"
        let root = (base.hasSuffix("/") ? String(base.dropLast()) : base) + "/latest"
        let token: ClientResponse
        do {
            token = try await http.send(
                ClientRequest(
                    method: "PUT",
                    url: root + "/api/token",
                    headers: [("X-aws-ec2-metadata-token-ttl-seconds", "\(Self.tokenSeconds)")]
                )
            )
        } catch is HTTPFailure {
            // This is no instance.
            return nil
        }
        guard token.status == 200 else { return nil }
        let headers = [(name: "X-aws-ec2-metadata-token", value: String(decoding: token.body, as: UTF8.self))]
        let roles = root + "/meta-data/iam/security-credentials/"
        let answer = try await http.send(ClientRequest(url: roles, headers: headers))
        guard answer.status == 200,
            let role = String(decoding: answer.body, as: UTF8.self).split(separator: "\n").first
        else { return nil }
        return try await get(roles + role, headers)
    }

    private func get(_ url: String, _ headers: [(name: String, value: String)]) async throws
        -> IssuedCredentials
    {
        let response = try await http.send(ClientRequest(url: url, headers: headers))
        guard response.status == 200 else {
            throw AWSCredentialsUnavailable(place: url, reason: "\(AWSError(response))")
        }
        return try IssuedCredentials(json: response.body, from: url)
    }
}

extension IssuedCredentials {
    private struct Fields: Decodable {
        let AccessKeyId: String?
        let SecretAccessKey: String?
        let Token: String?
        let SessionToken: String?
        let Expiration: String?
    }

    /// Reads what endpoints and processes hand out.
    init(json: [UInt8], from place: String) throws {
        let fields = try? JSONDecoder().decode(Fields.self, from: Data(json))
        guard let fields, let id = fields.AccessKeyId, let secret = fields.SecretAccessKey else {
            throw AWSCredentialsUnavailable(place: place, reason: "the answer holds no credentials")
        }
        self.init(
            credentials: AWSCredentials(
                accessKeyID: id,
                secretAccessKey: secret,
                sessionToken: fields.Token ?? fields.SessionToken
            ),
            expiration: fields.Expiration.flatMap(milliseconds(ofISO8601:))
        )
    }
}
