/// Where a batch that was given up is sent: an SQS queue, an SNS topic, an S3 bucket, a stream, or a file.
package enum FailureTarget: Hashable, Sendable {
    /// `arn:aws:sqs:REGION:ACCOUNT:QUEUE`.
    case queue(arn: String)
    /// `arn:aws:sns:REGION:ACCOUNT:TOPIC`.
    case topic(arn: String)
    /// `arn:aws:s3:::BUCKET`.
    case bucket(arn: String)
    /// `arn:aws:kinesis:REGION:ACCOUNT:stream/NAME`, of this host.
    case stream(arn: String)
    /// `file:///ABSOLUTE/PATH`: one line of JSON for each failure.
    case file(path: String)

    /// - Returns: `nil` for anything else.
    package init?(_ text: String) {
        if text.hasPrefix("file:///"), text.count > "file:///".count {
            self = .file(path: String(text.dropFirst("file://".count)))
            return
        }
        let fields = text.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false)
        guard fields.count == 6, fields[0] == "arn", fields[1].hasPrefix("aws"), !fields[5].isEmpty else {
            return nil
        }
        switch fields[2] {
        case "sqs" where !fields[3].isEmpty && !fields[4].isEmpty: self = .queue(arn: text)
        case "sns" where !fields[3].isEmpty && !fields[4].isEmpty: self = .topic(arn: text)
        case "s3" where !fields[5].contains("/"): self = .bucket(arn: text)
        case "kinesis" where ResourceNames.streamName(in: text) != nil: self = .stream(arn: text)
        default: return nil
        }
    }

    /// The inverse of `init`.
    package var text: String {
        switch self {
        case .queue(let arn), .topic(let arn), .bucket(let arn), .stream(let arn): arn
        case .file(let path): "file://\(path)"
        }
    }
}

extension FailureTarget: CustomStringConvertible {
    package var description: String { text }
}

extension FailureTarget: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let target = FailureTarget(text) else {
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription: "not a failure destination: \(text)"
            )
        }
        self = target
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}
