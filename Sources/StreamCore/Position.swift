/// Where reading a shard starts, in the words of Kinesis' shard iterators.
package enum Position: Hashable, Sendable {
    /// The oldest record still kept.
    case trimHorizon
    /// After the newest record at the time of asking.
    case latest
    /// The first record that arrived at or after this time.
    case atTimestamp(Timestamp)
    case atSequenceNumber(SequenceNumber)
    case afterSequenceNumber(SequenceNumber)
}

/// Where an event source mapping starts in a shard that it has never read.
package enum StartingPosition: Hashable, Sendable, Codable {
    case trimHorizon
    case latest
    case atTimestamp(Timestamp)

    package var position: Position {
        switch self {
        case .trimHorizon: .trimHorizon
        case .latest: .latest
        case .atTimestamp(let time): .atTimestamp(time)
        }
    }

    /// The name that Lambda and KCL give it.
    package var name: String {
        switch self {
        case .trimHorizon: "TRIM_HORIZON"
        case .latest: "LATEST"
        case .atTimestamp: "AT_TIMESTAMP"
        }
    }
}

/// How far a shard has been processed, per mapping: nothing yet, everything up to a record, or all of it.
///
/// Order follows KCL's `ExtendedSequenceNumber`: starting positions, then numbers, then the end.
package enum Checkpoint: Hashable, Sendable {
    case start(StartingPosition)
    /// Everything up to and including this record is done.
    case at(SequenceNumber)
    /// The shard is closed and every record of it is done.
    case shardEnd

    /// Where reading goes on; `nil` when there is nothing more to read.
    package var resumePosition: Position? {
        switch self {
        case .start(let start): start.position
        case .at(let number): .afterSequenceNumber(number)
        case .shardEnd: nil
        }
    }
}

extension Checkpoint: Comparable {
    package static func < (left: Checkpoint, right: Checkpoint) -> Bool {
        if case .at(let leftNumber) = left, case .at(let rightNumber) = right {
            return leftNumber < rightNumber
        }
        return left.rank < right.rank
    }

    private var rank: Int {
        switch self {
        case .start(.atTimestamp): 0
        case .start(.trimHorizon): 1
        case .start(.latest): 2
        case .at: 3
        case .shardEnd: 4
        }
    }
}

extension Checkpoint: CustomStringConvertible {
    /// KCL's checkpoint column: a decimal sequence number or one of its sentinels.
    package var description: String {
        switch self {
        case .start(let start): start.name
        case .at(let number): number.description
        case .shardEnd: "SHARD_END"
        }
    }
}

/// A moment as streams keep it: whole milliseconds since 1970-01-01 UTC.
public struct Timestamp: Hashable, Comparable, Sendable, Codable {
    public let milliseconds: Int64

    @inlinable
    public init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    @inlinable public static func == (left: Timestamp, right: Timestamp) -> Bool {
        left.milliseconds == right.milliseconds
    }

    @inlinable public static func < (left: Timestamp, right: Timestamp) -> Bool {
        left.milliseconds < right.milliseconds
    }

    /// The time from `earlier` to here, in milliseconds; negative when `earlier` is later.
    package func millisecondsSince(_ earlier: Timestamp) -> Int64 { milliseconds - earlier.milliseconds }

    package func advanced(byMilliseconds delta: Int64) -> Timestamp {
        Timestamp(milliseconds: milliseconds + delta)
    }
}
