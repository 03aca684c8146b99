import AWSClient
import AccessControl
import Foundation

/// How a command proves itself to a host, and a host to the command.
///
/// As with AWS's own clients, keys and region come from the environment.
struct HostAccess: Sendable {
    /// `nil` when the environment has none: requests are then not signed.
    let credentials: AWSCredentials?
    let region: String
    /// `nil` for the system's certificates.
    let caFile: String?

    init(caFile: String?, environment: [String: String] = ProcessInfo.processInfo.environment) {
        // A host issues no session tokens, and another's is none of its business.
        credentials = AWSCredentials(environment: environment).map {
            AWSCredentials(accessKeyID: $0.accessKeyID, secretAccessKey: $0.secretAccessKey)
        }
        region = environment["AWS_REGION"] ?? environment["AWS_DEFAULT_REGION"] ?? "us-east-1"
        self.caFile = caFile ?? environment["AWS_CA_BUNDLE"].flatMap { $0.isEmpty ? nil : $0 }
    }

    func signing(for api: CalledAPI) -> AWSSigning? {
        credentials.map { AWSSigning(credentials: $0, region: region, service: api.service) }
    }
}
