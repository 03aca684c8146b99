package import Logging
package import StreamCore

/// Reports this process as a worker in each renewal period, from before its first plan to its end.
package struct WorkerHeartbeat: Sendable {
    package let roster: WorkerRoster
    package let store: any WorkerStore
    /// What stays the same in every report.
    package let identity: WorkerReport
    package let timing: LeaseTiming
    package let clock: any Clock<Duration>
    package let logger: Logger
    /// Reads how much CPU time was used so far, in total; `nil` when it cannot be known.
    package let readCPU: @Sendable () -> CPUReading?

    /// KCL's: means of 30 s each, the last ten of them.
    private static let meanPeriod = Duration.seconds(30)
    private static let meanCount = 10

    package init(
        roster: WorkerRoster,
        store: any WorkerStore,
        identity: WorkerReport,
        timing: LeaseTiming = LeaseTiming(),
        clock: any Clock<Duration>,
        logger: Logger,
        readCPU: @escaping @Sendable () -> CPUReading? = { CPUReading.ofProcessTree() }
    ) {
        precondition(identity.worker == roster.worker, "a roster belongs to the worker that reports")
        self.roster = roster
        self.store = store
        self.identity = identity
        self.timing = timing
        self.clock = clock
        self.logger = logger
        self.readCPU = readCPU
    }

    /// Runs until `end` is requested, and then removes the worker's row.
    ///
    /// - Parameters:
    ///   - drain: The process'; requested when the store says so, and reported when it was requested by others.
    ///   - end: To be requested once every mapping has ended.
    package func run(drain: DrainSignal, until end: DrainSignal) async {
        let stopwatch = Stopwatch(clock: clock)
        var means: [Double] = []
        var last: (reading: CPUReading, at: Duration)?
        let wake = WakeSignal()
        let registrations = [drain, end].map { signal in (signal, signal.onRequest { wake.wake() }) }
        defer { for (signal, registration) in registrations { signal.forget(registration) } }

        while !end.isRequested, !Task.isCancelled {
            if let known = last, stopwatch.elapsed - known.at < Self.meanPeriod {
                // The mean of this period is still to come.
            } else if let reading = readCPU() {
                let now = stopwatch.elapsed
                if let known = last {
                    means.append(reading.percent(since: known.reading, over: now - known.at))
                    means = means.suffix(Self.meanCount)
                }
                last = (reading, now)
            }
            // A store that does not answer keeps nobody from ending.
            _ = try? await end.interruptible { [means] in await report(cpu: means, drain) }
            await wake.wait(upTo: timing.renewal, on: clock)
        }
        guard !Task.isCancelled else { return }
        do { try await store.removeWorker(identity.worker) } catch {
            logger.warning("worker not removed; others find it silent", metadata: ["error": "\(error)"])
        }
    }

    private func report(cpu: [Double], _ drain: DrainSignal) async {
        let report = WorkerReport(
            worker: identity.worker,
            host: identity.host,
            processID: identity.processID,
            started: identity.started,
            cpu: cpu,
            isDraining: drain.isRequested
        )
        do {
            if try await store.report(report), !drain.isRequested {
                logger.info("worker is asked to drain", metadata: ["worker": "\(identity.worker)"])
                drain.request()
            }
            try await roster.lookNow()
            roster.registered.request()
        } catch {
            logger.warning("worker not reported", metadata: ["error": "\(error)"])
        }
    }
}
