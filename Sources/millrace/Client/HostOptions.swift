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

    @Option(help: "Certificates to trust over HTTPS, in PEM form. Default: AWS_CA_BUNDLE, else the system's.")
    var caFile: String?

    /// - Parameter timeout: The longest that one call may take.
    func client(timeout: Duration = .seconds(30)) throws -> HostClient {
        HostClient(endpoint: try findEndpoint(), access: HostAccess(caFile: caFile), timeout: timeout)
    }

    /// The data directory, when it is where to look, has been used before, and no host listens for it now.
    func unservedDirectory() throws -> String? {
        guard endpoint == nil, data != nil || endpointOfEnvironment == nil else { return nil }
        let data = data ?? "./data"
        guard try DataDirectoryLock.holder(of: data)?.address == nil,
            FileManager.default.fileExists(atPath: "\(data)/\(SQLiteDatabase.fileName)")
        else { return nil }
        return data
    }

    private var endpointOfEnvironment: String? {
        let environment = ProcessInfo.processInfo.environment
        return environment["AWS_ENDPOINT_URL_KINESIS"] ?? environment["AWS_ENDPOINT_URL"]
    }

    private func findEndpoint() throws -> String {
        if let endpoint { return endpoint }
        if data == nil, let endpointOfEnvironment { return endpointOfEnvironment }

        let data = data ?? "./data"
        guard let holder = try DataDirectoryLock.holder(of: data) else {
            throw CommandFailure(
                "no host serves the data directory \(data)",
                hint: "start one with `millrace serve --data \(data)`, or name a host with --endpoint"
            )
        }
        guard let address = holder.address else {
            throw CommandFailure(
                "nothing listens for the data directory \(data) yet: it is in use by \(holder)",
                hint: "try again in a moment if that is a host; workers on Kinesis have none"
            )
        }
        return address
    }
}
