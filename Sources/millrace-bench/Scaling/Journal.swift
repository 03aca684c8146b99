import Foundation

/// What the function was handed, as its processes have written it down.
struct Journal {
    struct Delivery {
        let nanoseconds: UInt64
        let shard: String
        /// The pid of the host or worker whose process it was handed to.
        let host: Int32
        let requestID: String
        let records: [Token]
    }

    /// One record: `KEY:NUMBER`, numbered from 1 within its key.
    struct Token: Hashable {
        let key: Int
        let number: Int

        init?(_ text: Substring) {
            let parts = text.split(separator: ":")
            guard parts.count == 2, let key = Int(parts[0]), let number = Int(parts[1]) else { return nil }
            (self.key, self.number) = (key, number)
        }
    }

    /// In order of time.
    let deliveries: [Delivery]

    init(folder: String) throws {
        var deliveries: [Delivery] = []
        for name in try FileManager.default.contentsOfDirectory(atPath: folder)
        where name.hasSuffix(".journal") {
            let text = try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)
            for line in text.split(separator: "\n") {
                guard let delivery = Delivery(line) else { throw BenchFailure("unreadable: \(line)") }
                deliveries.append(delivery)
            }
        }
        self.deliveries = deliveries.sorted { $0.nanoseconds < $1.nanoseconds }
    }
}

extension Journal.Delivery {
    init?(_ line: Substring) {
        let fields = line.split(separator: " ")
        guard fields.count > 4, let nanoseconds = UInt64(fields[0]), let host = Int32(fields[2]) else {
            return nil
        }
        let records = fields.dropFirst(4).compactMap { Journal.Token($0) }
        guard records.count == fields.count - 4 else { return nil }
        self.init(
            nanoseconds: nanoseconds,
            shard: String(fields[1]),
            host: host,
            requestID: String(fields[3]),
            records: records
        )
    }
}
