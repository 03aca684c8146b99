import Foundation

/// Puts the lines of an input into a stream, and knows how far it came.
struct StreamUpload {
    /// What one record may have with its partition key: one PutRecords call holds no more.
    private static let maximumRecordBytes = 10 * 1024 * 1024

    private let stream: String
    private let key: PartitionKey
    private let client: HostClient
    private var batch: PutBatch
    private(set) var storedCount = 0

    init(stream: String, key: PartitionKey, client: HostClient) {
        self.stream = stream
        self.key = key
        self.client = client
        batch = PutBatch(stream: stream)
    }

    /// The failure, and how far the upload came before it.
    func stopped(by failure: CommandFailure) -> CommandFailure {
        let stored = "put into stream \(stream) stopped: \(storedCount) records are stored"
        let unknown = failure.isUnanswered ? ", \(batch.records.count) more may be" : ""
        return CommandFailure(messages: failure.messages + [stored + unknown], hint: failure.hint)
    }

    /// - Throws: `CommandFailure`, for `stopped(by:)`.
    mutating func run(_ input: LineInput) async throws {
        var splitter = LineSplitter(maximumBytes: Self.maximumRecordBytes)
        do {
            while true {
                // What is here goes out before waiting for more.
                if !batch.records.isEmpty, !input.isReady { try await send() }
                guard let piece = try input.readPiece() else { break }
                for line in try splitter.add(piece) { try await add(line, of: input) }
            }
        } catch let long as LineSplitter.LineTooLong {
            throw tooLong(long.number, of: input)
        }
        if let last = splitter.finish() { try await add(last, of: input) }
        try await send()
    }

    private mutating func add(_ line: LineSplitter.Line, of input: LineInput) async throws {
        let record = PutBatch.Record(key: try key.key(of: line, in: input.name), data: line.data)
        guard record.bytes <= Self.maximumRecordBytes else { throw tooLong(line.number, of: input) }
        if !batch.hasRoom(for: record) { try await send() }
        batch.append(record)
    }

    private func tooLong(_ number: Int, of input: LineInput) -> CommandFailure {
        CommandFailure(
            "line \(number) of \(input.name) exceeds 10 MiB, the most that a record and its key may have"
        )
    }

    /// Puts the batch and what of it failed, until all of it is in the stream.
    private mutating func send() async throws {
        var failedRounds = 0
        while !batch.records.isEmpty {
            let answer = try await client.kinesis("PutRecords", body: batch.body())
            let sentCount = batch.records.count
            let failed = try batch.keepFailed(answer)
            storedCount += sentCount - batch.records.count
            guard let failed else { break }
            failedRounds += 1
            guard failedRounds < 10 else {
                throw CommandFailure("\(batch.records.count) records were refused ten times: \(failed)")
            }
            try await Task.sleep(for: .milliseconds(100 * failedRounds))
        }
    }
}
