import Foundation

/// Credentials from the first place that has some, in the order of AWS's own tools: environment, web identity, profile,
/// container, instance.
///
/// They are kept and renewed before they expire, once for everyone who asks at the same time.
package actor AWSCredentialChain: AWSCredentialProvider {
    /// Renewed when less than this is left of their time.
    private static let renewalMilliseconds: Int64 = 300_000
    /// Keys that do not expire are looked up anew after this, so that exchanged ones are taken up.
    private static let lifetimeMilliseconds: Int64 = 60_000
    /// After a renewal failed, while the credentials are still good.
    private static let retryMilliseconds: Int64 = 30_000

    private let places: [AWSCredentialPlace]
    private let now: @Sendable () -> Int64
    private var held: (issued: IssuedCredentials, renewal: Int64)?
    private var renewing: Task<IssuedCredentials, any Error>?

    init(places: [AWSCredentialPlace], now: @escaping @Sendable () -> Int64) {
        self.places = places
        self.now = now
    }

    /// - Parameters:
    ///   - asksMachine: Whether the metadata of an EC2 instance are asked, which takes two seconds where there are none.
    ///   - now: Milliseconds since 1970.
    package init(
        environment: [String: String] = ProcessInfo.processInfo.environment,
        homeDirectory: String = NSHomeDirectory(),
        region: String? = nil,
        asksMachine: Bool = true,
        http: HTTPClient = HTTPClient(limits: AWSCredentialChain.callLimits),
        now: @escaping @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970 * 1_000) }
    ) {
        let settings = AWSSettings(environment: environment, homeDirectory: homeDirectory)
        let roles = RoleCredentials(settings: settings, region: region, http: http)
        let endpoints = EndpointCredentials(settings: settings, http: http)
        let profiles = ProfileCredentials(settings: settings, roles: roles, endpoints: endpoints)
        self.init(
            places: [
                AWSCredentialPlace(name: "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY") {
                    AWSCredentials(environment: environment).map {
                        IssuedCredentials(credentials: $0, expiration: nil)
                    }
                },
                AWSCredentialPlace(name: "AWS_WEB_IDENTITY_TOKEN_FILE") { try await roles.fromEnvironment() },
                AWSCredentialPlace(
                    name: "profile \(settings.profile) in \(settings.files.joined(separator: " and "))"
                ) {
                    try await profiles.credentials(of: settings.profile)
                },
                AWSCredentialPlace(name: "the container's endpoint") { try await endpoints.ofContainer() },
                AWSCredentialPlace(name: "the instance's metadata") {
                    try await asksMachine ? endpoints.ofInstance() : nil
                },
            ],
            now: now
        )
    }

    /// What asking one endpoint for credentials may take.
    package static let callLimits = HTTPClient.Limits(
        time: .seconds(10),
        responseBytes: 1 << 20,
        connecting: .seconds(2)
    )

    package func credentials() async throws -> AWSCredentials {
        let time = now()
        if let held, time < held.renewal { return held.issued.credentials }
        do {
            return try await renewed().credentials
        } catch let error where !(error is CancellationError) {
            // Better the old ones for a while than none.
            guard let held, let expiration = held.issued.expiration, now() < expiration else { throw error }
            self.held?.renewal = min(expiration, now() + Self.retryMilliseconds)
            return held.issued.credentials
        }
    }

    package func reject(_ credentials: AWSCredentials) {
        if held?.issued.credentials == credentials { held = nil }
    }

    /// Not a child of the first caller: its cancellation must not fail the others.
    private func renewed() async throws -> IssuedCredentials {
        if let renewing { return try await renewing.value }
        let task = Task { try await find() }
        renewing = task
        defer { renewing = nil }
        let issued = try await task.value
        held = (issued, renewal(of: issued))
        return issued
    }

    private func renewal(of issued: IssuedCredentials) -> Int64 {
        let time = now()
        guard let expiration = issued.expiration else { return time + Self.lifetimeMilliseconds }
        // Of credentials for a very short time half of it is used.
        return max(expiration - Self.renewalMilliseconds, time + (expiration - time) / 2)
    }

    private func find() async throws -> IssuedCredentials {
        for place in places {
            do {
                if let issued = try await place.find() { return issued }
            } catch let error where !(error is CancellationError || error is AWSCredentialsUnavailable) {
                throw AWSCredentialsUnavailable(place: place.name, reason: "\(error)")
            }
        }
        throw AWSCredentialsNotFound(looked: places.map(\.name))
    }
}
