import ArgumentParser
package import EmbeddedLog
import Foundation
import FunctionManifest
import Logging
import StreamCore

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "Serves a data directory: the log, the functions on it, and the APIs of Kinesis, Lambda and CloudWatch Logs.",
        discussion:
            "SIGTERM or SIGINT end it in order: batches in flight finish, checkpoints are written, leases released."
    )

    @Option(help: "The directory that holds everything the host keeps; made when missing.")
    var data = "./data"

    @Option(help: "A folder whose subfolders hold functions; all of them are registered, or none.")
    var functions: String?

    @Option(help: "Address and port of the endpoint; port 0 takes a free one.")
    var listen = ListenAddress(host: "127.0.0.1", port: 4600)

    @Option(help: "durable: PutRecords answers after fdatasync. relaxed: at once, synced every 5 ms.")
    var durability = Durability.durable

    @OptionGroup var handlers: HandlerOptions

    @OptionGroup var share: ShareOptions

    @Option(
        help: """
            A file of keys, made by `millrace credentials add`: every request must be signed with one of them. \
            Needed to listen beyond loopback.
            """
    )
    var credentials: String?

    @Option(
        help:
            "The endpoint's certificate with its chain, in PEM form: it speaks HTTPS then. Read anew when it changes."
    )
    var tlsCert: String?

    @Option(help: "The key of --tls-cert, in PEM form.")
    var tlsKey: String?

    @Option(help: "debug, info, warning or error.")
    var logLevel = LogLevel.info

    func validate() throws {
        guard listen.isLoopback || credentials != nil else {
            throw ValidationError(
                """
                cannot listen on \(listen.host) without --credentials: whoever reaches the endpoint can run code, so \
                requests from other machines must be signed; `millrace credentials add FILE --role admin` makes a key
                """
            )
        }
        guard (tlsCert == nil) == (tlsKey == nil) else {
            throw ValidationError("--tls-cert and --tls-key belong together: one is missing")
        }
    }

    func run() async throws {
        let logger = HandlerOptions.prepareProcess(logLevel)
        let host = try Host(makeSettings(), logger: logger)
        try await host.run()
    }

    private func makeSettings() -> HostSettings {
        HostSettings(
            dataDirectory: URL(fileURLWithPath: data).standardizedFileURL.path,
            functionsDirectory: functions.map { URL(fileURLWithPath: $0).standardizedFileURL.path },
            listen: listen,
            access: EndpointAccess.Settings(
                credentialsFile: credentials.map { URL(fileURLWithPath: $0).path },
                tlsCertificate: tlsCert.map { URL(fileURLWithPath: $0).path },
                tlsKey: tlsKey.map { URL(fileURLWithPath: $0).path }
            ),
            durability: durability,
            python: handlers.pythonPath,
            functionEnvironment: handlers.environment,
            startTimeout: .seconds(handlers.startTimeout),
            rules: share.rules,
            names: ResourceNames(region: handlers.regionOrDefault)
        )
    }
}

extension Durability: ExpressibleByArgument {}

/// Where the endpoint listens: `HOST:PORT`.
struct ListenAddress: ExpressibleByArgument, Hashable, CustomStringConvertible {
    let host: String
    let port: Int

    init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    init?(argument: String) {
        guard let colon = argument.lastIndex(of: ":"),
            let port = Int(argument[argument.index(after: colon)...]),
            (0...65535).contains(port)
        else { return nil }
        let host = argument[..<colon].trimmingCharacters(in: CharacterSet(charactersIn: "[]"))
        guard !host.isEmpty else { return nil }
        self.init(host: host, port: port)
    }

    /// An address of this machine only.
    ///
    /// A name that begins like one is no address.
    var isLoopback: Bool {
        let octets = host.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        let isIPv4 = octets.count == 4 && octets.allSatisfy { $0 != nil } && octets[0] == 127
        return isIPv4 || host == "localhost" || host == "::1"
    }

    /// An address that stands for every one of this machine cannot be called; its loopback address can.
    var callable: ListenAddress {
        switch host {
        case "0.0.0.0": ListenAddress(host: "127.0.0.1", port: port)
        case "::": ListenAddress(host: "::1", port: port)
        default: self
        }
    }

    var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    var defaultValueDescription: String { description }
}
