package import FunctionLogs
package import StreamCore

package import Foundation

/// The read side of CloudWatch Logs on what functions printed, without anything of HTTP.
///
/// Each function has the group `/aws/lambda/NAME`, and each of its processes a stream in it.
package struct LogsService: Sendable {
    static let groupPrefix = "/aws/lambda/"

    let logs: FunctionLogs
    let names: ResourceNames

    package init(logs: FunctionLogs, names: ResourceNames = ResourceNames()) {
        self.logs = logs
        self.names = names
    }

    /// Carries out one operation.
    ///
    /// - Parameters:
    ///   - operation: Its name in the service model, such as `FilterLogEvents`.
    ///   - body: The request's JSON.
    package func handle(_ operation: String, body: Data) -> LogsAnswer {
        do {
            switch operation {
            case "DescribeLogGroups": return try answer(body, describeLogGroups)
            case "DescribeLogStreams": return try answer(body, describeLogStreams)
            case "GetLogEvents": return try answer(body, getLogEvents)
            case "FilterLogEvents": return try answer(body, filterLogEvents)
            default:
                throw LogsError(
                    .unknownOperation,
                    "\(operation) is not supported: the logs of functions can be read, and the host writes them."
                )
            }
        } catch let error as LogsError {
            return LogsAnswer(error)
        } catch {
            return LogsAnswer(LogsError(.internalFailure, "\(error)"))
        }
    }

    private func answer<Input: Decodable, Output: Encodable>(
        _ body: Data,
        _ operation: (Input) throws -> Output
    ) throws -> LogsAnswer {
        let input: Input
        do {
            input = try JSONDecoder().decode(Input.self, from: body.isEmpty ? Data("{}".utf8) : body)
        } catch {
            throw LogsError(.serialization, "the request does not follow the service model: \(error)")
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return LogsAnswer(body: try encoder.encode(try operation(input)))
    }

    // MARK: - Names

    func groupName(of function: FunctionName) -> String { Self.groupPrefix + function.text }

    func groupARN(of function: FunctionName) -> String {
        names.arn("logs", "log-group:\(groupName(of: function))")
    }

    /// The log that a request names, by name or ARN.
    func log(_ name: String?, _ identifier: String?) throws(LogsError) -> FunctionLog {
        guard let given = name ?? identifier else {
            throw LogsError(.invalidParameter, "Either logGroupName or logGroupIdentifier is required.")
        }
        guard name == nil || identifier == nil else {
            throw LogsError(
                .invalidParameter,
                "LogGroup name and LogGroup ARN are mutually exclusive parameters."
            )
        }
        let group = given.hasPrefix("arn:") ? Self.group(inARN: given) : given
        guard group.hasPrefix(Self.groupPrefix),
            let function = FunctionName(group.dropFirst(Self.groupPrefix.count)),
            logs.functions().contains(function)
        else { throw .noGroup }
        return logs.log(of: function)
    }

    private static func group(inARN arn: String) -> String {
        let fields = arn.split(separator: ":", maxSplits: 6, omittingEmptySubsequences: false)
        guard fields.count == 7 else { return "" }
        return fields[6].hasSuffix(":*") ? String(fields[6].dropLast(2)) : String(fields[6])
    }
}

/// What the API answers to one request.
package struct LogsAnswer: Sendable {
    package let status: Int
    package let body: Data
    package let errorType: String?

    init(body: Data) {
        status = 200
        self.body = body
        errorType = nil
    }

    init(_ error: LogsError) {
        status = error.status
        errorType = error.kind.rawValue
        let fields = ["__type": error.kind.rawValue, "message": error.message]
        body = (try? JSONEncoder().encode(fields)) ?? Data()
    }
}
