import EmbeddedLog
import Foundation
import KinesisWire
import Logging
import NIOCore
import StreamCore

extension KinesisService {
    func putRecords(_ body: ByteBuffer, _ format: WireFormat) async throws -> ByteBuffer {
        let request = try body.withUnsafeReadableBytes { bytes in
            switch format {
            case .json: try PutRecordsDecoder.decodeRecords(bytes)
            case .cbor: try CBORPutRecordsDecoder.decodeRecords(bytes)
            }
        }
        let result = await (try stream(request.stream)).append(request.records)
        let failedCount =
            result.isComplete ? 0 : result.entries.count { result.failures[$0.shard] != nil }
        if failedCount > 0 { logFailures(result, of: request.stream) }
        let answer = PutRecordsAnswer(recordCount: result.entries.count, failedCount: failedCount)
        return ByteBuffer(capacity: answer.capacity) { target in
            let outcome = { (index: Int) -> PutRecordsAnswer.Outcome in
                if let failure = result.failure(at: index) { return .failed(message: "\(failure)") }
                let entry = result.entries[index]
                return .stored(shard: entry.shard, entry.sequenceNumber)
            }
            return switch format {
            case .json: answer.write(to: target, outcome: outcome)
            case .cbor: answer.writeCBOR(to: target, outcome: outcome)
            }
        }
    }

    func putRecord(_ body: ByteBuffer, _ format: WireFormat) async throws -> ByteBuffer {
        let request = try body.withUnsafeReadableBytes { bytes in
            switch format {
            case .json: try PutRecordsDecoder.decodeRecord(bytes)
            case .cbor: try CBORPutRecordsDecoder.decodeRecord(bytes)
            }
        }
        let stream = try stream(request.stream)
        try checkOrdering(request, in: stream)
        let result = await stream.append(request.records)
        if let failure = result.failure(at: 0) { throw failure }
        struct Answer: Encodable {
            let shardId: String
            let sequenceNumber: String
        }
        let entry = result.entries[0]
        let answer = Answer(
            shardId: ShardID(number: entry.shard).text,
            sequenceNumber: entry.sequenceNumber.description
        )
        return try format.answer(fromJSON: ControlCodec.encode(answer))
    }

    /// Numbers grow by themselves; only one that the shard has not issued yet cannot be come after.
    private func checkOrdering(_ request: PutRequest, in stream: EmbeddedStream) throws {
        guard let text = request.sequenceNumberForOrdering else { return }
        var checks = RequestChecks()
        checks.sequenceNumber(text, at: "sequenceNumberForOrdering")
        try checks.finish()
        let key = request.records.entries.first?.hashKey ?? 0
        let shard = try stream.listShards().first { $0.isOpen && $0.hashKeyRange.contains(key) }
        let next = try shard.map { try stream.cursor(in: $0.id, at: .latest).next }
        guard let number = SequenceNumber(text), next.map({ number < $0 }) ?? true else {
            throw KinesisError(
                .invalidArgument,
                "ExclusiveMinimumSequenceNumber \(text) used in PutRecord on stream \(stream.name) "
                    + "under account \(names.account) is invalid."
            )
        }
    }

    private func logFailures(_ result: AppendResult, of stream: StreamReference) {
        for (shard, failure) in result.failures {
            logger.error(
                "records not stored",
                metadata: [
                    "stream": "\(stream.name ?? stream.arn ?? "")", "shard": "\(ShardID(number: shard))",
                    "error": "\(failure)",
                ]
            )
        }
    }
}

// MARK: - Reading

extension KinesisService {
    func getRecords(_ body: ByteBuffer, _ format: WireFormat) async throws -> ByteBuffer {
        struct Request: Decodable {
            let shardIterator: String?
            let limit: Int?
        }
        let request = try ControlCodec.decode(Request.self, from: format.json(from: body))
        var checks = RequestChecks()
        checks.require(request.shardIterator, at: "shardIterator")
        checks.text(request.shardIterator, at: "shardIterator", length: 1...512)
        checks.number(request.limit, at: "limit", in: 1...KinesisLimits.getRecordsCount)
        try checks.finish()

        let iterator = try currentIterator(request.shardIterator ?? "")
        let stream = try log.stream(iterator.stream)
        guard stream.incarnation == iterator.incarnation else {
            throw shardNotFound(iterator.shard.text, in: iterator.stream)
        }

        let read = try stream.read(
            iterator.shard,
            from: ReadCursor(
                next: iterator.next,
                notBefore: iterator.notBefore,
                hint: iterator.hint.map { ReadCursor.Hint(segment: $0.segment, offset: $0.offset) }
            ),
            maxRecords: request.limit ?? KinesisLimits.getRecordsCount,
            maxBytes: KinesisLimits.getRecordsBytes
        )
        let isEnd = read.result.isEnd
        let answer = GetRecordsAnswer(
            batch: read.result.batch,
            nextShardIterator: isEnd ? nil : token(read.next, in: iterator.shard, of: stream),
            millisBehindLatest: read.result.millisBehindLatest,
            childShards: isEnd ? try stream.listShards().filter { $0.parents.contains(iterator.shard) } : []
        )
        return ByteBuffer(capacity: answer.capacity) { target in
            switch format {
            case .json: answer.write(to: target)
            case .cbor: answer.writeCBOR(to: target)
            }
        }
    }

    private func currentIterator(_ token: String) throws(KinesisError) -> ShardIterator {
        guard let iterator = ShardIterator(token: token) else {
            throw KinesisError(.invalidArgument, "Invalid ShardIterator.")
        }
        let now = now()
        guard !iterator.isExpired(at: now) else {
            throw KinesisError(
                .expiredIterator,
                "Iterator expired. The iterator was created at time \(Self.text(iterator.issued)) while right now it "
                    + "is \(Self.text(now)) which is further in the future than the tolerated delay of "
                    + "\(ShardIterator.lifetimeMilliseconds) milliseconds."
            )
        }
        return iterator
    }

    /// As in `Thu Jan 22 01:22:02 UTC 2015`.
    private static func text(_ time: Timestamp) -> String {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(secondsFromGMT: 0)
        formatter.dateFormat = "EEE MMM dd HH:mm:ss 'UTC' yyyy"
        return formatter.string(from: Date(timeIntervalSince1970: time.seconds))
    }
}

extension ByteBuffer {
    /// A buffer that is written once, in place.
    init(capacity: Int, _ write: (UnsafeMutableRawPointer) -> Int) {
        self = ByteBufferAllocator().buffer(capacity: capacity)
        writeWithUnsafeMutableBytes(minimumWritableBytes: capacity) { target in
            target.baseAddress.map(write) ?? 0
        }
    }
}
