/// What a function was given, against what the log holds.
struct DeliveryHistory {
    let log: [StreamRecord]
    let deliveries: [Delivery]

    /// Each record once, in the order of its first delivery.
    let firstDeliveries: [StreamRecord]

    init(log: [StreamRecord], deliveries: [Delivery]) {
        self.log = log
        self.deliveries = deliveries
        var seen: Set<StreamRecord> = []
        firstDeliveries = deliveries.map(\.record).filter { seen.insert($0).inserted }
    }

    /// Records of the log that no delivery held.
    var lost: Set<StreamRecord> { Set(log).subtracting(firstDeliveries) }

    /// Records that were delivered and are not in the log.
    var invented: Set<StreamRecord> { Set(firstDeliveries).subtracting(log) }

    /// Deliveries beyond the first of their record.
    var repeatCount: Int { deliveries.count - firstDeliveries.count }

    func deliveryCount(ofData data: String) -> Int { deliveries.count { $0.record.data == data } }

    /// Keys whose records were first delivered in another order than they were put.
    var keysOutOfOrder: [String] {
        var next: [String: Int] = [:]
        var wrong: Set<String> = []
        for record in firstDeliveries {
            let number = record.data.split(separator: ":").last.flatMap { Int($0) } ?? -1
            if number < next[record.key, default: 0] { wrong.insert(record.key) }
            next[record.key] = number + 1
        }
        return wrong.sorted()
    }
}
