import CJobs
import Foundation

/// Runs the tasks of one test, and all that they start, one at a time on a thread of its own.
///
/// A test can then let everything happen that does not wait for its clock or its gates, and know when it has: a busy
/// machine makes that later, not different. Whoever calls `Task.yield` or `Task.sleep`, or waits for another thread, goes on
/// outside.
package final class SerialTasks: @unchecked Sendable {
    private struct Job {
        let address: UnsafeMutableRawPointer
    }

    /// Guards what follows, and tells the thread that there is something to do.
    private let news = NSCondition()
    /// In the order in which they are to run, from `next` on.
    private var jobs: [Job] = []
    private var next = 0
    private var settlers: [CheckedContinuation<Void, Never>] = []
    private var isOver = false

    private init() {}

    /// Runs `body` and what it starts until it returns.
    package static func run<Result: Sendable>(
        _ body: @escaping @Sendable (SerialTasks) async throws -> Result
    ) async throws -> Result {
        let tasks = SerialTasks()
        let task = tasks.receivingJobs {
            Task {
                defer { tasks.end() }
                return try await body(tasks)
            }
        }
        return try await withTaskCancellationHandler {
            try await onOwnThread { tasks.receivingJobs { tasks.runJobs() } }
            return try await task.value
        } onCancel: {
            task.cancel()
        }
    }

    /// Returns when no other task can go on.
    package func settle() async {
        await withCheckedContinuation { continuation in
            change { settlers.append(continuation) }
        }
    }

    private func receivingJobs<Result>(_ body: () -> Result) -> Result {
        receive_jobs(Unmanaged.passUnretained(self).toOpaque()) { owner, address, _ in
            guard let owner, let address else { return }
            let tasks = Unmanaged<SerialTasks>.fromOpaque(owner).takeUnretainedValue()
            tasks.change { tasks.jobs.append(Job(address: address)) }
        }
        defer { receive_jobs(nil, nil) }
        return body()
    }

    private func runJobs() {
        while let job = takeJob() { run_job(job.address) }
    }

    /// - Returns: `nil` when all is over.
    private func takeJob() -> Job? {
        while true {
            news.lock()
            while next == jobs.count, settlers.isEmpty, !isOver { news.wait() }
            if next < jobs.count {
                defer { news.unlock() }
                next += 1
                let job = jobs[next - 1]
                if next == jobs.count { (jobs, next) = ([], 0) }
                return job
            }
            let settled = settlers
            settlers = []
            news.unlock()
            if settled.isEmpty { return nil }
            for settler in settled { settler.resume() }
        }
    }

    private func end() { change { isOver = true } }

    private func change(_ body: () -> Void) {
        news.lock()
        body()
        news.signal()
        news.unlock()
    }
}
