import Foundation

/// A record as a client of the log sees it.
struct StreamRecord: Codable, Hashable {
    let shard: String
    let sequence: String
    let key: String
    /// `KEY:NUMBER`, where the numbers of a key count up from 0 in the order they were put.
    let data: String

    /// Decodes one value from each whole line; a last line that is still being written is left out.
    static func decodeLines<Line: Decodable>(_ data: Data) throws -> [Line] {
        try wholeLines(data).map { line in try JSONDecoder().decode(Line.self, from: Data(line)) }
    }

    /// The same of a file whose writer may have been killed: a line that it tore is left out, as if it had never been written.
    static func decodeUntornLines<Line: Decodable>(_ data: Data) -> [Line] {
        wholeLines(data).compactMap { line in try? JSONDecoder().decode(Line.self, from: Data(line)) }
    }

    private static func wholeLines(_ data: Data) -> [Data.SubSequence] {
        guard let end = data.lastIndex(of: UInt8(ascii: "\n")) else { return [] }
        return data[...end].split(separator: UInt8(ascii: "\n"))
    }
}

/// A record as a function was given it.
struct Delivery: Decodable, Hashable {
    /// The request ID: one for each attempt at a batch.
    let request: String
    let record: StreamRecord

    private enum CodingKeys: CodingKey {
        case request
    }

    init(from decoder: any Decoder) throws {
        request = try decoder.container(keyedBy: CodingKeys.self).decode(String.self, forKey: .request)
        record = try StreamRecord(from: decoder)
    }
}

extension HostProcess {
    /// Everything in the stream `events`, read from front to back by a client that knows nothing of the host.
    func readStream() async throws -> [StreamRecord] {
        try StreamRecord.decodeLines(Data(await python("read.py", "events").utf8))
    }

    /// Waits until the recorder has been given every record that is in the stream now, and the host has written that down.
    func waitUntilProcessed(_ records: [StreamRecord], in folders: HostFolders) async throws {
        var last: [String: String] = [:]
        for record in records { last[record.shard] = record.sequence }
        try await eventually("every shard is processed to its last record") {
            let rows = try await checkpoints().filter { $0.function == "recorder" }
            let done = Dictionary(rows.map { ($0.shard, $0.checkpoint) }) { first, _ in first }
            return last.allSatisfy { shard, sequence in done[shard] == sequence }
        }
    }
}
