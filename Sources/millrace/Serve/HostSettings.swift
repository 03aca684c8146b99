import Coordination
import EmbeddedLog
import StreamCore

/// What `serve` was told.
struct HostSettings: Sendable {
    /// Absolute.
    let dataDirectory: String
    let functionsDirectory: String?
    let listen: ListenAddress
    let access: EndpointAccess.Settings
    let durability: Durability
    let python: String
    let functionEnvironment: [String: String]
    let startTimeout: Duration
    let rules: LeasePlan.Rules
    let names: ResourceNames
}
