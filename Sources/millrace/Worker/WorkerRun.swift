import ArgumentParser
import Foundation
import KinesisSource
import Logging
import StreamCore

struct WorkerRun: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Runs functions as one worker among others that share their shards.",
        discussion: """
            Beside a host:  millrace worker --data DIR
            On Kinesis:     millrace worker --stream-endpoint URL --functions DIR --data DIR
            Many machines:  millrace worker --stream-endpoint URL --functions DIR --lease-store dynamodb://REGION/APP

            Beside a host it takes functions and leases from the host's data directory and reads the log from the \
            host's endpoint, signed with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY if they are set. SIGTERM, SIGINT or \
            `millrace worker drain NAME` end it in order: batches in flight finish, checkpoints are written, leases handed over.
            """
    )

    @Option(
        help: """
            The data directory: of the host to work beside or, with --stream-endpoint, the workers' own on this machine. \
            Default: ./data; with --lease-store one that goes when the worker ends.
            """
    )
    var data: String?

    @Option(
        help: ArgumentHelp(
            """
            The Kinesis API to read from, such as https://kinesis.eu-west-1.amazonaws.com. Its region is that of ARNs and \
            events unless --region says another.
            """,
            valueName: "url"
        )
    )
    var streamEndpoint: String?

    @Option(
        help: ArgumentHelp(
            "A table of KCL's in DynamoDB that leases and checkpoints are kept in: dynamodb://REGION/APPLICATION.",
            valueName: "store"
        )
    )
    var leaseStore: LeaseTable?

    @Option(help: "A folder whose subfolders hold functions, with --stream-endpoint.")
    var functions: String?

    @Option(
        help: ArgumentHelp(
            "Reads by enhanced fan-out as this consumer of the stream, registered when missing. Default: by polling.",
            valueName: "consumer"
        )
    )
    var fanOut: String?

    @Option(help: "The worker's name among the others. Default: the machine's with a random part.")
    var name: WorkerName?

    @OptionGroup var handlers: HandlerOptions

    @OptionGroup var share: ShareOptions

    @Option(help: "Certificates to trust over HTTPS, in PEM form. Default: AWS_CA_BUNDLE, else the system's.")
    var caFile: String?

    @Option(help: "debug, info, warning or error.")
    var logLevel = LogLevel.info

    func validate() throws {
        guard let streamEndpoint else { return try validateBesideHost() }
        guard ["http://", "https://"].contains(where: { streamEndpoint.hasPrefix($0) }) else {
            throw ValidationError("--stream-endpoint is no http or https URL: \(streamEndpoint)")
        }
        guard functions != nil else {
            throw ValidationError(
                """
                --stream-endpoint needs --functions: without a host the functions and their mappings come from \
                a folder
                """
            )
        }
        if let region = handlers.region, let leaseStore, region != leaseStore.region {
            throw ValidationError(
                "--region \(region) is not the region of \(leaseStore): leave it out, or name the same"
            )
        }
    }

    private func validateBesideHost() throws {
        if let leaseStore {
            throw ValidationError(
                """
                --lease-store needs --stream-endpoint: the log of a host on one machine is shared through its data \
                directory; for AWS pass --stream-endpoint https://kinesis.\(leaseStore.region).amazonaws.com
                """
            )
        }
        if functions != nil {
            throw ValidationError(
                """
                --functions needs --stream-endpoint: beside a host a worker runs the functions that are \
                registered there, by `millrace function register` or `serve --functions`
                """
            )
        }
        if fanOut != nil {
            throw ValidationError("--fan-out needs --stream-endpoint: beside a host a worker polls its log")
        }
    }

    func run() async throws {
        let logger = HandlerOptions.prepareProcess(logLevel)
        let settings = try await makeSettings()
        try await WorkerHost(settings, logger: logger).run()
    }

    private func makeSettings() async throws -> WorkerSettings {
        let origin = try await origin()
        let region =
            leaseStore?.region ?? handlers.region ?? origin?.kinesis.region ?? handlers.regionOrDefault
        return WorkerSettings(
            name: name?.id ?? .ofThisProcess,
            place: place(origin),
            python: handlers.pythonPath,
            functionEnvironment: handlers.environment,
            startTimeout: .seconds(handlers.startTimeout),
            rules: share.rules,
            access: HostAccess(caFile: caFile),
            names: ResourceNames(region: region)
        )
    }

    /// - Throws: `AWSCredentialsNotFound` where nothing can be read without.
    private func origin() async throws -> WorkerSettings.Origin? {
        guard let streamEndpoint, let functions else { return nil }
        let kinesis = try KinesisEndpointSettings.resolve(url: streamEndpoint)
        return WorkerSettings.Origin(
            kinesis: kinesis,
            credentials: try await kinesis.credentials(),
            functions: URL(fileURLWithPath: functions).standardizedFileURL.path,
            fanOut: fanOut
        )
    }

    private func place(_ origin: WorkerSettings.Origin?) -> WorkerSettings.Place {
        let directory = data.map { URL(fileURLWithPath: $0).standardizedFileURL.path }
        let local = URL(fileURLWithPath: "./data").standardizedFileURL.path
        guard let origin else { return .besideHost(directory: directory ?? local) }
        guard let leaseStore else { return .ownDirectory(directory ?? local, origin) }
        return .leaseTable(leaseStore, origin, directory: directory)
    }
}

/// A worker's name as an operator gives it.
struct WorkerName: ExpressibleByArgument {
    let id: WorkerID

    init?(argument: String) {
        guard let id = WorkerID(argument) else { return nil }
        self.id = id
    }
}
