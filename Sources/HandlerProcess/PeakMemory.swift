/// The most memory that a process has had, as far as it was looked at.
///
/// The kernel forgets it with the process, and reading it costs more than a small invocation, so it is read now and
/// then.
struct PeakMemory {
    private static let interval = Duration.milliseconds(100)

    private(set) var bytes = 0
    private var nextLook: ContinuousClock.Instant?

    var megabytes: Int { (bytes + (1 << 20) - 1) >> 20 }

    mutating func look(at pid: Int32, _ now: ContinuousClock.Instant) {
        if let nextLook, now < nextLook { return }
        nextLook = now + Self.interval
        bytes = max(bytes, ProcessTable.peakMemory(of: pid) ?? 0)
    }
}
