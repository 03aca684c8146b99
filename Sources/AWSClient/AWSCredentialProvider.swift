/// Where the keys come from that requests are signed with.
package protocol AWSCredentialProvider: Sendable {
    /// - Throws: What says where was looked and what was found there; `CancellationError`.
    func credentials() async throws -> AWSCredentials

    /// Tells that a service no longer takes these: they are not handed out again.
    func reject(_ credentials: AWSCredentials) async
}

extension AWSCredentialSource: AWSCredentialProvider {
    /// Nothing is kept: the next call looks anew.
    package func reject(_ credentials: AWSCredentials) {}
}

/// Credentials, and how long they are good for.
struct IssuedCredentials: Hashable, Sendable {
    let credentials: AWSCredentials
    /// Milliseconds since 1970; `nil` for keys that do not expire by themselves.
    let expiration: Int64?
}

/// One place at which credentials may be found.
struct AWSCredentialPlace: Sendable {
    /// As in `profile work`.
    let name: String
    /// `nil` when this place is not set up.
    let find: @Sendable () async throws -> IssuedCredentials?
}

/// A place that is set up gave no credentials.
package struct AWSCredentialsUnavailable: Error, Sendable, CustomStringConvertible {
    package let place: String
    package let reason: String

    package var description: String { "no AWS credentials from \(place): \(reason)" }
}

/// No place is set up.
package struct AWSCredentialsNotFound: Error, Hashable, Sendable, CustomStringConvertible {
    package let looked: [String]

    package var description: String {
        "no AWS credentials: nothing is set up in \(looked.joined(separator: ", "))"
    }
}
