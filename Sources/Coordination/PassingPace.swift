import StreamCore

/// When the checkpoint moves over records that need no function: now and then, as each move is a write.
struct PassingPace {
    /// The longest that such records wait for the checkpoint, while there are more of them.
    static let period = Duration.seconds(5)
    /// The most of them that a restart reads again.
    static let recordCount = 100_000

    private var passedAt: Duration?
    private var count = 0

    mutating func note(_ recordCount: Int) { count += recordCount }

    mutating func isDue(now: Duration) -> Bool {
        guard count >= Self.recordCount || passedAt.map({ now - $0 >= Self.period }) ?? true else {
            return false
        }
        passedAt = now
        count = 0
        return true
    }
}
