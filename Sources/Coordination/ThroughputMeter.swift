import Delivery

/// How much a shard keeps its worker busy: bytes delivered per renewal period, as KCL 3 measures it, and more for one
/// that is behind.
struct ThroughputMeter {
    /// The newest period weighs half.
    private static let weight = 0.5
    /// A shard that is so far behind or farther counts twice: what was delivered does not yet show what is to come.
    private static let heaviestLagMilliseconds = 60_000.0
    /// Changes below this, in KB/s, are not worth a write.
    private static let resolution = 0.01

    private var last: (bytes: Int, at: Duration)?
    private var average: Double?
    private var told: Double?

    /// - Returns: The shard's throughput in KB/s, `nil` when it is as it was told before.
    mutating func note(_ flow: ShardReport.Flow, at now: Duration) -> Double? {
        defer { last = (flow.bytes, now) }
        guard let last, now > last.at else { return nil }
        let rate = Double(flow.bytes - last.bytes) / 1024 / ((now - last.at) / .seconds(1))
        let mean = average.map { $0 + (rate - $0) * Self.weight } ?? rate
        average = mean < Self.resolution ? 0 : mean
        let lag = min(1, max(0, Double(flow.behindMilliseconds)) / Self.heaviestLagMilliseconds)
        let value = (average ?? 0) * (1 + lag)
        guard abs(value - (told ?? 0)) >= Self.resolution || (value == 0 && (told ?? 0) != 0) else {
            return nil
        }
        told = value
        return value
    }
}
