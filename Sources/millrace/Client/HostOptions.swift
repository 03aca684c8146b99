import ArgumentParser
import Foundation
import SQLiteStore

/// Where the running host is: stated, taken from the environment, or found through its data directory.
struct HostOptions: ParsableArguments {
    @Option(help: "The host's URL.")
    var endpoint: String?

    @Option(
        help: """
            The data directory that the host serves. Without it and --endpoint: AWS_ENDPOINT_URL_KINESIS, else \
            AWS_ENDPOINT_URL, else ./data.
            """
    )
    var data: String?

    func client() throws -> HostClient {
        if let endpoint { return HostClient(endpoint: endpoint) }
        let environment = ProcessInfo.processInfo.environment
        let fromEnvironment = environment["AWS_ENDPOINT_URL_KINESIS"] ?? environment["AWS_ENDPOINT_URL"]
        if data == nil, let fromEnvironment { return HostClient(endpoint: fromEnvironment) }

        let data = data ?? "./data"
        guard let holder = try DataDirectoryLock.holder(of: data) else {
            throw CommandFailure(
                "no host serves the data directory \(data)",
                hint: "start one with `millrace serve --data \(data)`, or name a host with --endpoint"
            )
        }
        guard let address = holder.address else {
            throw CommandFailure(
                "the host of \(data) is still starting: \(holder)",
                hint: "try again in a moment"
            )
        }
        return HostClient(endpoint: address)
    }
}
