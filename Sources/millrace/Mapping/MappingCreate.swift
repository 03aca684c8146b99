import ArgumentParser
import Foundation

struct MappingCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Runs a function for a stream, from now on.",
        discussion: "Prints the ID of the new mapping."
    )

    @Argument(help: "The function's name or ARN; NAME:QUALIFIER for a version or an alias.")
    var function: String

    @Argument(help: "The stream's name or ARN.")
    var stream: String

    @Option(help: "Where reading starts: TRIM_HORIZON, LATEST or AT_TIMESTAMP.")
    var startingPosition: StartingPositionName

    @Option(help: "With AT_TIMESTAMP: Unix seconds, or a time such as 2026-01-31T12:00:00Z.")
    var startingPositionTimestamp: Moment?

    @OptionGroup(title: "Settings") var options: MappingOptions

    @Option(help: "A tag: KEY=VALUE. May be repeated.")
    var tags: [TemplateParameter] = []

    @OptionGroup var wait: MappingWait

    @OptionGroup var host: HostOptions

    func validate() throws {
        guard (startingPosition == .atTimestamp) == (startingPositionTimestamp != nil) else {
            throw ValidationError(
                "--starting-position AT_TIMESTAMP and --starting-position-timestamp go together"
            )
        }
    }

    func run() async throws {
        let client = try host.client()
        let request = fields(streamARN: try await client.streamARN(of: stream))
        let created = try await client.lambda("POST", "event-source-mappings", json: request)
        guard let id = created["UUID"] as? String else {
            throw CommandFailure(
                "the host answered no ID",
                hint: "`millrace mapping list` shows what was made"
            )
        }
        let state = try await wait.settledState(of: id, client)
        print(id)
        printError("mapping \(id) of \(function) and \(stream) is \(state ?? "gone")")
    }

    /// The fields of a request to Lambda's API.
    func fields(streamARN: String) -> [String: Any] {
        var fields = options.fields
        fields["FunctionName"] = function
        fields["EventSourceArn"] = streamARN
        fields["StartingPosition"] = startingPosition.rawValue
        fields["StartingPositionTimestamp"] = startingPositionTimestamp?.seconds
        if !tags.isEmpty { fields["Tags"] = Dictionary(tags.map { ($0.name, $0.value) }) { $1 } }
        return fields
    }
}

enum StartingPositionName: String, ExpressibleByArgument, CaseIterable {
    case trimHorizon = "TRIM_HORIZON"
    case latest = "LATEST"
    case atTimestamp = "AT_TIMESTAMP"
}

/// A time: Unix seconds or ISO 8601.
struct Moment: ExpressibleByArgument, Hashable {
    /// Since 1970-01-01 UTC.
    let seconds: Double

    init?(argument: String) {
        if let seconds = Double(argument) {
            guard seconds >= 0, seconds.isFinite else { return nil }
            self.seconds = seconds
            return
        }
        let styles = [true, false].map { Date.ISO8601FormatStyle(includingFractionalSeconds: $0) }
        let date = styles.lazy.compactMap { try? Date(argument, strategy: $0) }.first
        guard let date else { return nil }
        seconds = date.timeIntervalSince1970
    }
}

extension HostClient {
    /// The ARN of a stream that is named by it or by its name.
    func streamARN(of stream: String) async throws -> String {
        if stream.hasPrefix("arn:") { return stream }
        let answer = try await kinesis("DescribeStreamSummary", ["StreamName": stream])
        let summary = answer["StreamDescriptionSummary"] as? [String: Any]
        guard let arn = summary?["StreamARN"] as? String else {
            throw CommandFailure("the host answered no ARN for stream \(stream)")
        }
        return arn
    }
}
