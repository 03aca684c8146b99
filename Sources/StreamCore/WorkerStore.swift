/// The workers that share a lease store, as each of them reports itself.
///
/// Their leases say who lives as well; this says it of those that hold none yet, how busy each is, and what an operator
/// asks of it.
package protocol WorkerStore: Sendable {
    /// Shows that the worker lives and how it is: adds its row, or raises the row's counter.
    ///
    /// - Returns: Whether the worker is asked to drain.
    func report(_ report: WorkerReport) async throws -> Bool

    /// Every worker that has reported itself and was not removed, in order of their names.
    func workers() async throws -> [WorkerRow]

    /// Asks a worker to give up its leases, each after its batch in hand, and to end.
    ///
    /// - Returns: `false` when there is no such worker.
    func requestDrain(of worker: WorkerID) async throws -> Bool

    /// Removes a worker's row: it has ended, or was dead for long.
    func removeWorker(_ worker: WorkerID) async throws
}

/// What a worker says of itself.
package struct WorkerReport: Hashable, Sendable, Codable {
    package let worker: WorkerID
    /// The machine's name.
    package let host: String
    package let processID: Int
    package let started: Timestamp
    /// How much of the CPU time that it may use was used, in percent, oldest first: KCL keeps the last 10 means of 30 s.
    ///
    /// Empty while it is not known.
    package let cpu: [Double]
    /// It takes no more leases, and ends when it has given up those it has.
    package let isDraining: Bool

    package init(
        worker: WorkerID,
        host: String,
        processID: Int,
        started: Timestamp,
        cpu: [Double] = [],
        isDraining: Bool = false
    ) {
        self.worker = worker
        self.host = host
        self.processID = processID
        self.started = started
        self.cpu = cpu
        self.isDraining = isDraining
    }
}

/// A worker's row, as any worker sees it.
package struct WorkerRow: Hashable, Sendable {
    package let report: WorkerReport
    /// Raised by every report: as long as it grows, the worker lives.
    package let counter: UInt64
    package let isDrainRequested: Bool
    /// The store knows for certain that the worker's process has ended.
    package let isDead: Bool

    package init(report: WorkerReport, counter: UInt64, isDrainRequested: Bool = false, isDead: Bool = false)
    {
        self.report = report
        self.counter = counter
        self.isDrainRequested = isDrainRequested
        self.isDead = isDead
    }

    package var worker: WorkerID { report.worker }
}
