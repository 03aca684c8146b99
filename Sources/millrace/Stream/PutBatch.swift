import ByteCoding
import Foundation

/// The records of one PutRecords call: at most 500, and 5 MB unless one record alone is larger.
struct PutBatch {
    struct Record {
        let key: String
        let data: Data
        var bytes: Int { key.utf8.count + data.count }
    }

    let stream: String
    private(set) var records: [Record] = []
    private var bytes = 0

    init(stream: String) {
        self.stream = stream
    }

    func hasRoom(for record: Record) -> Bool {
        records.isEmpty || records.count < 500 && bytes + record.bytes <= 5_000_000
    }

    mutating func append(_ record: Record) {
        records.append(record)
        bytes += record.bytes
    }

    /// The body of the call.
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
        var failed: [(record: Record, result: [String: Any])] = []
        if fields["FailedRecordCount"] as? Int != 0, let results = fields["Records"] as? [[String: Any]] {
            failed = zip(records, results).filter { $0.1["ErrorCode"] != nil }.map { ($0, $1) }
        }
        records = failed.map(\.record)
        bytes = records.reduce(0) { $0 + $1.bytes }
        return failed.first.map { $0.result["ErrorMessage"] as? String ?? "no reason given" }
    }
}
