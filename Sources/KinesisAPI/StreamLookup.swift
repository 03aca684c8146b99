import EmbeddedLog
import KinesisWire
import StreamCore

extension KinesisService {
    /// The stream that a request names.
    func stream(_ reference: StreamReference) throws -> EmbeddedStream {
        try log.stream(streamName(reference))
    }

    /// The name from `StreamName`, or from `StreamARN`; where both are given they must agree.
    func streamName(_ reference: StreamReference) throws(KinesisError) -> StreamName {
        var checks = RequestChecks()
        checks.name(reference.name, at: "streamName")
        checks.text(reference.arn, at: "streamARN", length: 1...2_048)
        try checks.finish()

        guard let arn = reference.arn else {
            guard let name = reference.name.flatMap({ StreamName($0) }) else {
                throw KinesisError(.invalidArgument, "Either StreamName or StreamARN must be specified.")
            }
            return name
        }
        let fromARN = try streamName(arn: arn, at: "streamARN")
        guard reference.name.map({ $0 == fromARN.text }) ?? true else {
            throw KinesisError(
                .invalidArgument,
                "StreamName \(reference.name ?? "") and StreamARN \(arn) do not match."
            )
        }
        return fromARN
    }

    func streamName(arn: String, at path: String) throws(KinesisError) -> StreamName {
        guard arn.hasPrefix("arn:"), let name = ResourceNames.streamName(in: arn) else {
            throw .validation([Violation(arn, at: path, .pattern(#"arn:aws.*:kinesis:.*:\d{12}:stream/\S+"#))]
            )
        }
        return name
    }
}

/// A request that names a stream and nothing else.
struct StreamRequest: Decodable {
    let streamName: String?
    let streamARN: String?

    var reference: StreamReference { StreamReference(name: streamName, arn: streamARN) }
}
