import AWSClient
import ByteCoding
import Foundation
import KinesisWire
import StreamCore

/// The calls of the Kinesis API for one stream, repeated where that helps.
struct KinesisCalls: Sendable {
    /// A stream has at most some ten thousand shards.
    private static let maximumPages = 1_000

    let stream: StreamName
    let service: AWSService
    let clock: any Clock<Duration>
    /// Of each back-off, 0 to 1.
    let jitter: @Sendable () -> Double

    enum Value {
        case text(String)
        case number(Int)
        /// Written as seconds with three decimals.
        case moment(Timestamp)
    }
    typealias Fields = [(name: String, value: Value)]

    /// Calls an operation and tries again as long as that helps.
    ///
    /// - Throws: `StreamNotFound`, `ShardNotFound`, `KinesisFailure`, `CancellationError`.
    func call(_ operation: String, _ fields: Fields, shard: ShardID? = nil) async throws -> ClientResponse {
        var failures = 0
        while true {
            do {
                return try await once(operation, fields)
            } catch let error where !(error is CancellationError) {
                failures += 1
                try await pause(after: error, failures: failures, in: operation, shard: shard)
            }
        }
    }

    func once(_ operation: String, _ fields: Fields) async throws -> ClientResponse {
        try await service.send(request(operation, fields))
    }

    func request(_ operation: String, _ fields: Fields) -> ClientRequest {
        service.request("Kinesis_20131202.\(operation)", Self.body(fields), jsonVersion: "1.1")
    }

    /// Waits before the next try.
    ///
    /// - Throws: What the error means to the caller, when another try would not help.
    func pause(after error: any Error, failures: Int, in operation: String, shard: ShardID?) async throws {
        let backOff: BackOff? =
            switch Remedy(error) {
            case .backOff: .throttled
            case .tryAgain, .renewIterator: .failing
            case .lookAround: throw await whatIsMissing(shard, error, in: operation)
            case .giveUp: nil
            }
        guard let delay = backOff?.delay(afterFailures: failures, jitter: jitter()) else {
            throw failure(error, in: operation, shard: shard)
        }
        try await clock.sleep(for: delay)
    }

    /// A service that misses something does not say what in a way that can be relied on.
    private func whatIsMissing(_ shard: ShardID?, _ error: any Error, in operation: String) async -> any Error
    {
        guard let shard else { return StreamNotFound(stream: stream) }
        do {
            _ = try await once(
                "ListShards",
                [("StreamName", .text(stream.text)), ("MaxResults", .number(1))]
            )
            return ShardNotFound(stream: stream, shard: shard)
        } catch {
            return Remedy(error) == .lookAround
                ? StreamNotFound(stream: stream) : failure(error, in: operation, shard: shard)
        }
    }

    func failure(_ error: any Error, in operation: String, shard: ShardID?) -> any Error {
        if error is CancellationError || error is KinesisFailure { return error }
        return KinesisFailure(
            operation: operation,
            stream: stream,
            shard: shard,
            endpoint: service.endpoint,
            cause: (error as? AWSServiceFailure)?.cause ?? error
        )
    }

    private static func body(_ fields: Fields) -> [UInt8] {
        var writer = ByteWriter(capacity: 512)
        for (index, field) in fields.enumerated() {
            writer.append(index == 0 ? "{" : ",")
            writer.append(jsonString: field.name)
            writer.append(":")
            switch field.value {
            case .text(let text): writer.append(jsonString: text)
            case .number(let number): writer.append(decimal: number)
            case .moment(let time):
                let (seconds, rest) = max(0, time.milliseconds).quotientAndRemainder(dividingBy: 1_000)
                writer.append(text: "\(seconds).\(rest / 100)\(rest / 10 % 10)\(rest % 10)")
            }
        }
        writer.append("}")
        return writer.bytes
    }
}

// MARK: - Shards

extension KinesisCalls {
    private struct ShardPage: Decodable {
        struct Entry: Decodable {
            struct HashKeys: Decodable {
                let StartingHashKey: String
                let EndingHashKey: String
            }
            struct Numbers: Decodable {
                let StartingSequenceNumber: String
                let EndingSequenceNumber: String?
            }
            let ShardId: String
            let ParentShardId: String?
            let AdjacentParentShardId: String?
            let HashKeyRange: HashKeys
            let SequenceNumberRange: Numbers
        }
        let Shards: [Entry]
        let NextToken: String?
    }

    /// Every shard that the service knows, parents before children.
    func shards() async throws -> [Shard] {
        var entries: [ShardPage.Entry] = []
        var token: String?
        for _ in 0..<Self.maximumPages {
            let place: Fields =
                token.map { [("NextToken", .text($0))] } ?? [("StreamName", .text(stream.text))]
            let answer = try await call("ListShards", place + [("MaxResults", .number(1_000))])
            let page: ShardPage
            do { page = try JSONDecoder().decode(ShardPage.self, from: Data(answer.body)) } catch {
                throw failure(error, in: "ListShards", shard: nil)
            }
            entries += page.Shards
            token = page.NextToken
            if token == nil { return try Self.ordered(entries.map(shard)) }
        }
        throw failure(UnreadableAnswer("the listing does not end"), in: "ListShards", shard: nil)
    }

    private func shard(_ entry: ShardPage.Entry) throws -> Shard {
        guard let id = ShardID(entry.ShardId), let start = UInt128(entry.HashKeyRange.StartingHashKey),
            let end = UInt128(entry.HashKeyRange.EndingHashKey), start <= end
        else {
            throw failure(
                UnreadableAnswer("shard \(entry.ShardId) has no hash keys"),
                in: "ListShards",
                shard: nil
            )
        }
        let range = entry.SequenceNumberRange
        return Shard(
            id: id,
            hashKeyRange: HashKeyRange(start: start, end: end),
            parent: entry.ParentShardId.flatMap { ShardID($0) },
            adjacentParent: entry.AdjacentParentShardId.flatMap { ShardID($0) },
            startingSequenceNumber: SequenceNumber(range.StartingSequenceNumber[...]) ?? .zero,
            endingSequenceNumber: range.EndingSequenceNumber.flatMap { SequenceNumber($0[...]) }
        )
    }

    /// Parents before children; a parent that is no longer listed is forgotten: all of it has expired.
    static func ordered(_ shards: [Shard]) -> [Shard] {
        let known = Dictionary(shards.map { ($0.id, $0) }) { first, _ in first }
        var placed: Set<ShardID> = []
        var ordered: [Shard] = []
        func place(_ shard: Shard) {
            guard placed.insert(shard.id).inserted else { return }
            for parent in shard.parents { known[parent].map(place) }
            ordered.append(
                Shard(
                    id: shard.id,
                    hashKeyRange: shard.hashKeyRange,
                    parent: shard.parent.flatMap { known[$0]?.id },
                    adjacentParent: shard.adjacentParent.flatMap { known[$0]?.id },
                    startingSequenceNumber: shard.startingSequenceNumber,
                    endingSequenceNumber: shard.endingSequenceNumber
                )
            )
        }
        for shard in shards.sorted(by: { $0.id < $1.id }) { place(shard) }
        return ordered
    }
}

/// An answer that says yes and cannot be used.
struct UnreadableAnswer: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

// MARK: - Places in a shard

extension KinesisCalls {
    /// - Returns: The iterator, and when the service gave it, to the second.
    func iterator(of shard: ShardID, at position: Position) async throws -> (
        iterator: String, time: Timestamp
    ) {
        struct Answer: Decodable { let ShardIterator: String? }
        let fields: Fields = [("StreamName", .text(stream.text)), ("ShardId", .text(shard.text))]
        let answer = try await call(
            "GetShardIterator",
            fields + Self.fields(of: position, type: "ShardIteratorType", number: "StartingSequenceNumber"),
            shard: shard
        )
        guard let text = try? JSONDecoder().decode(Answer.self, from: Data(answer.body)).ShardIterator else {
            throw failure(
                UnreadableAnswer("there is no iterator in the answer"),
                in: "GetShardIterator",
                shard: shard
            )
        }
        return (text, answer.time)
    }

    static func fields(of position: Position, type: String, number: String) -> Fields {
        switch position {
        case .trimHorizon: [(type, .text("TRIM_HORIZON"))]
        case .latest: [(type, .text("LATEST"))]
        case .atTimestamp(let time): [(type, .text("AT_TIMESTAMP")), ("Timestamp", .moment(time))]
        case .atSequenceNumber(let at):
            [(type, .text("AT_SEQUENCE_NUMBER")), (number, .text(at.description))]
        case .afterSequenceNumber(let at):
            [(type, .text("AFTER_SEQUENCE_NUMBER")), (number, .text(at.description))]
        }
    }

    /// One GetRecords, without another try.
    func records(at iterator: String, limit: Int = KinesisLimits.getRecordsCount) async throws
        -> ReceivedRecords
    {
        let answer = try await once(
            "GetRecords",
            [("ShardIterator", .text(iterator)), ("Limit", .number(limit))]
        )
        return try answer.body.withUnsafeBytes { try ReceivedRecords(json: $0) }
    }
}

extension ClientResponse {
    /// When the service answered, to the second; by this machine's clock when it does not say so.
    var time: Timestamp {
        let seconds = headers["date"].flatMap(Self.seconds) ?? Int64(Date().timeIntervalSince1970)
        return Timestamp(milliseconds: seconds * 1_000)
    }

    /// Since 1970, of a moment as `Sun, 06 Nov 1994 08:49:37 GMT`.
    private static func seconds(ofDate text: String) -> Int64? {
        let words = text.split { $0 == " " || $0 == "," || $0 == ":" }
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        guard words.count == 8, let month = months.firstIndex(of: String(words[2])) else { return nil }
        let numbers = [1, 3, 4, 5, 6].compactMap { Int32(words[$0]) }
        guard numbers.count == 5 else { return nil }
        var parts = tm()
        parts.tm_mon = Int32(month)
        (parts.tm_mday, parts.tm_year) = (numbers[0], numbers[1] - 1_900)
        (parts.tm_hour, parts.tm_min, parts.tm_sec) = (numbers[2], numbers[3], numbers[4])
        return Int64(timegm(&parts))
    }
}
