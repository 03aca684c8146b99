package import AWSClient
import KinesisWire
package import StreamCore

/// A call for a stream failed for another reason than that the stream or the shard is gone.
package struct KinesisFailure: Error, Sendable, CustomStringConvertible {
    package let operation: String
    package let stream: StreamName
    package let shard: ShardID?
    package let endpoint: AWSEndpoint
    package let cause: any Error

    package var description: String {
        let object = shard.map { "\(stream)/\($0)" } ?? stream.text
        return "\(operation) of \(object) at \(endpoint): \(cause)"
    }
}

/// What to do about an error of a call.
enum Remedy: Hashable {
    /// Ask for another iterator.
    case renewIterator
    /// Wait longer before each further try: the service is asked too often, or something is in use.
    case backOff
    /// Try again: it may have been chance.
    case tryAgain
    /// See what is missing.
    case lookAround
    case giveUp

    init(_ error: any Error) {
        let cause = (error as? AWSServiceFailure)?.cause ?? error
        switch cause {
        case let error as AWSError: self = Self.remedy(of: error)
        case HTTPFailure.untrusted: self = .giveUp
        // The answer was torn on its way.
        case is HTTPFailure, is KinesisError, is EventStreamDamage: self = .tryAgain
        default: self = .giveUp
        }
    }

    private static func remedy(of error: AWSError) -> Remedy {
        switch error.type {
        case "ExpiredIteratorException", "ExpiredNextTokenException": .renewIterator
        case "ResourceNotFoundException": .lookAround
        case "ProvisionedThroughputExceededException", "LimitExceededException", "KMSThrottlingException",
            "ThrottlingException", "Throttling", "ThrottledException", "RequestLimitExceeded",
            "TooManyRequestsException",
            "SlowDown", "ResourceInUseException":
            .backOff
        default: error.status == 429 ? .backOff : error.status >= 500 ? .tryAgain : .giveUp
        }
    }
}

/// How long to wait after so many failures, and when to stop.
struct BackOff: Sendable {
    static let throttled = BackOff(first: .milliseconds(200), longest: .seconds(10), attempts: 12)
    static let failing = BackOff(first: .milliseconds(100), longest: .seconds(2), attempts: 4)

    let first: Duration
    let longest: Duration
    let attempts: Int

    /// - Parameter jitter: 0 to 1: callers that failed at the same time do not come back at the same time.
    /// - Returns: `nil` when it was tried often enough.
    func delay(afterFailures count: Int, jitter: Double) -> Duration? {
        guard count < attempts else { return nil }
        return min(longest, first * (1 << min(count - 1, 16))) * (0.5 + jitter / 2)
    }
}
