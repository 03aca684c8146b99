/// How long a shard still waits for records in a task of its own: more may follow those that came last.
struct Wakefulness {
    private var end: Duration

    /// At its beginning a shard expects none.
    init(now: Duration) { end = now }

    mutating func noteRecords(now: Duration) { end = now + ShardConsumer.restlessTime }

    /// Zero when it is to rest.
    func left(now: Duration) -> Duration { max(.zero, end - now) }
}
