import Dispatch
import Foundation

/// Credentials as a profile of AWS's files describes them: keys, a role, a process.
struct ProfileCredentials: Sendable {
    /// How many profiles may refer to each other.
    private static let maximumProfiles = 8

    let settings: AWSSettings
    let roles: RoleCredentials
    let endpoints: EndpointCredentials

    /// - Returns: `nil` when the profile does not exist, or says nothing about credentials.
    func credentials(of profile: String) async throws -> IssuedCredentials? {
        try await credentials(of: profile, seen: [])
    }

    private func credentials(of profile: String, seen: [String]) async throws -> IssuedCredentials? {
        guard let values = settings.settings(of: profile) else {
            guard settings["AWS_PROFILE"] == nil, seen.isEmpty else {
                throw unavailable(profile, "\(settings.files.joined(separator: " and ")) do not have it")
            }
            return nil
        }
        let isCircular = seen.dropLast().contains(profile)
        guard !isCircular, seen.count < Self.maximumProfiles else {
            throw unavailable(profile, "its source_profile leads back to it")
        }
        // A profile that is its own source has keys beside its role.
        let usesKeys = values["role_arn"] == nil || seen.last == profile
        if usesKeys, let keys = Self.keys(in: values) { return keys }
        if let role = values["role_arn"] {
            return try await credentials(of: role, values, profile, seen: seen)
        }
        if let command = values["credential_process"] {
            return try await CredentialProcess(command: command).credentials()
        }
        if let other = Self.unsupported.first(where: { values[$0] != nil }) {
            throw unavailable(profile, "\(other) is not supported; use credential_process")
        }
        return nil
    }

    private func credentials(
        of role: String,
        _ values: [String: String],
        _ profile: String,
        seen: [String]
    ) async throws -> IssuedCredentials {
        if let file = values["web_identity_token_file"] {
            return try await roles.assume(
                role,
                session: values["role_session_name"],
                tokenFile: file,
                region: values["region"]
            )
        }
        guard values["mfa_serial"] == nil else {
            throw unavailable(profile, "mfa_serial is not supported: nobody is there to answer")
        }
        let source: IssuedCredentials?
        if let name = values["source_profile"] {
            source = try await credentials(of: name, seen: seen + [profile])
        } else {
            source = try await named(values["credential_source"], profile)
        }
        guard let source else {
            throw unavailable(profile, "what role_arn is assumed with has no credentials")
        }
        return try await roles.assume(role, with: source.credentials, settings: values)
    }

    private func named(_ source: String?, _ profile: String) async throws -> IssuedCredentials? {
        switch source {
        case "Environment":
            AWSCredentials(environment: settings.environment).map {
                IssuedCredentials(credentials: $0, expiration: nil)
            }
        case "EcsContainer": try await endpoints.ofContainer()
        case "Ec2InstanceMetadata": try await endpoints.ofInstance()
        default:
            throw unavailable(
                profile,
                "role_arn needs source_profile, or a credential_source of Environment, EcsContainer or Ec2InstanceMetadata"
            )
        }
    }

    private static let unsupported = ["sso_session", "sso_start_url", "login_session"]

    private static func keys(in values: [String: String]) -> IssuedCredentials? {
        guard let id = values["aws_access_key_id"], let secret = values["aws_secret_access_key"] else {
            return nil
        }
        let keys = AWSCredentials(
            accessKeyID: id,
            secretAccessKey: secret,
            sessionToken: values["aws_session_token"]
        )
        return IssuedCredentials(credentials: keys, expiration: nil)
    }

    private func unavailable(_ profile: String, _ reason: String) -> AWSCredentialsUnavailable {
        AWSCredentialsUnavailable(place: "profile \(profile)", reason: reason)
    }
}

/// A program that prints credentials as JSON.
struct CredentialProcess: Sendable {
    static let maximumSeconds = 60.0
    static let maximumBytes = 1 << 16

    let command: String

    /// Waits on a thread of its own.
    func credentials() async throws -> IssuedCredentials {
        let output = try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result { try run() }) }
        }
        return try IssuedCredentials(json: output, from: "credential_process")
    }

    private func run() throws -> [UInt8] {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", command]
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        try process.run()
        let end = DispatchWorkItem { process.terminate() }
        DispatchQueue.global().asyncAfter(deadline: .now() + Self.maximumSeconds, execute: end)
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        end.cancel()
        guard process.terminationStatus == 0, data.count <= Self.maximumBytes else {
            throw AWSCredentialsUnavailable(
                place: "credential_process",
                reason: "\(command) ended with status \(process.terminationStatus)"
            )
        }
        return [UInt8](data)
    }
}
