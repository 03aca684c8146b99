import ArgumentParser
import ByteCoding
import Foundation

struct StreamPut: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "put",
        abstract: "Puts each line of a file as one record.",
        discussion: "Lines of one key stay in order. A record counts as put once it is durable."
    )

    @Argument(help: "The stream's name.")
    var name: String

    @Argument(help: "A file with one record a line; - for standard input.")
    var file: String

    @Option(
        help: "The field of each line, a JSON object, that is its partition key. Default: the line itself."
    )
    var partitionKey: String?

    @OptionGroup var host: HostOptions

    func run() async throws {
        let client = try host.client()
        let lines = try readLines()
        var batch = PutBatch(stream: name)
        var putCount = 0
        for (index, line) in lines.enumerated() {
            let record = PutBatch.Record(key: try key(of: line, number: index + 1), data: line)
            if !batch.hasRoom(for: record) {
                putCount += try await send(&batch, to: client)
            }
            batch.records.append(record)
        }
        putCount += try await send(&batch, to: client)
        printError("put \(putCount) records into stream \(name)")
    }

    private func readLines() throws -> [Data] {
        let content: Data
        if file == "-" {
            content = FileHandle.standardInput.readDataToEndOfFile()
        } else {
            guard let data = FileManager.default.contents(atPath: file) else {
                throw CommandFailure("file \(file) cannot be read")
            }
            content = data
        }
        return content.split(separator: UInt8(ascii: "\n")).map { Data($0) }
    }

    private func key(of line: Data, number: Int) throws -> String {
        guard let partitionKey else { return String(String(decoding: line, as: UTF8.self).prefix(256)) }
        guard let object = try? JSONSerialization.jsonObject(with: line) as? [String: Any] else {
            throw CommandFailure("line \(number) of \(file) is not a JSON object")
        }
        switch object[partitionKey] {
        case nil: throw CommandFailure("line \(number) of \(file) has no field \(partitionKey)")
        case is NSNull: return "null"
        case let text as String where !text.isEmpty: return String(text.prefix(256))
        case let value?: return "\(value)"
        }
    }

    /// Puts the batch and what of it failed, until all of it is in the stream.
    private func send(_ batch: inout PutBatch, to client: HostClient) async throws -> Int {
        let count = batch.records.count
        var failedRounds = 0
        while !batch.records.isEmpty {
            let answer = try await client.kinesis("PutRecords", body: batch.body())
            let failed = try batch.keepFailed(answer)
            guard let failed else { break }
            failedRounds += 1
            guard failedRounds < 10 else {
                throw CommandFailure("\(batch.records.count) records were refused ten times: \(failed)")
            }
            try await Task.sleep(for: .milliseconds(100 * failedRounds))
        }
        batch.records = []
        return count
    }
}

/// The records of one PutRecords call: at most 500 and 5 MB.
struct PutBatch {
    struct Record {
        let key: String
        let data: Data
        var bytes: Int { key.utf8.count + data.count }
    }

    let stream: String
    var records: [Record] = []

    func hasRoom(for record: Record) -> Bool {
        records.count < 500 && records.reduce(record.bytes) { $0 + $1.bytes } <= 5_000_000
    }

    func body() -> [UInt8] {
        var writer = ByteWriter()
        writer.append("{\"StreamName\":")
        writer.append(jsonString: stream)
        writer.append(",\"Records\":[")
        for (index, record) in records.enumerated() {
            if index > 0 { writer.append(",") }
            writer.append("{\"PartitionKey\":")
            writer.append(jsonString: record.key)
            writer.append(",\"Data\":\"")
            record.data.withUnsafeBytes { writer.append(base64: $0) }
            writer.append("\"}")
        }
        writer.append("]}")
        return writer.bytes
    }

    /// Keeps the records that the answer calls failed.
    ///
    /// - Returns: The error of the first of them; `nil` when all were put.
    mutating func keepFailed(_ answer: [UInt8]) throws -> String? {
        let fields = try JSONSerialization.jsonObject(with: Data(answer)) as? [String: Any] ?? [:]
        guard fields["FailedRecordCount"] as? Int != 0, let results = fields["Records"] as? [[String: Any]]
        else {
            return nil
        }
        let failed = zip(records, results).filter { $0.1["ErrorCode"] != nil }
        records = failed.map(\.0)
        return failed.first?.1["ErrorMessage"] as? String
    }
}
