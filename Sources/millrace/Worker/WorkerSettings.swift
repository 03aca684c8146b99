import AWSClient
import Coordination
import KinesisSource
import StreamCore

/// What `worker` was told.
struct WorkerSettings: Sendable {
    /// Where functions, leases and records come from; paths are absolute.
    enum Place: Sendable {
        /// All of them from a host on this machine.
        case besideHost(directory: String)
        /// Leases are shared with the other workers of the machine, through a data directory.
        case ownDirectory(String, Origin)
        /// Leases are shared with workers anywhere; `nil` for a directory that ends with the worker.
        case leaseTable(LeaseTable, Origin, directory: String?)
    }

    /// A Kinesis API, and what runs on its streams.
    struct Origin: Sendable {
        let kinesis: KinesisEndpointSettings
        /// Requests go without a signature when there are none.
        let credentials: (any AWSCredentialProvider)?
        let functions: String
        /// The name of the consumer for enhanced fan-out; `nil` to poll.
        let fanOut: String?
    }

    let name: WorkerID
    let place: Place
    let python: String
    let functionEnvironment: [String: String]
    let startTimeout: Duration
    let rules: LeasePlan.Rules
    let access: HostAccess
    let names: ResourceNames
}

extension WorkerSettings.Place: CustomStringConvertible {
    /// In words, as a log line names it.
    var description: String {
        switch self {
        case .besideHost(let directory): "\(directory), beside its host"
        case .ownDirectory(let directory, let origin):
            "\(origin.kinesis.endpoint.url), with leases in \(directory)"
        case .leaseTable(let table, let origin, _): "\(origin.kinesis.endpoint.url), with leases in \(table)"
        }
    }
}
