import StreamCore

/// The function on one worker's host: it takes its time, fails, does a part, and answers when nobody listens.
struct SimulatedFunction: HandlerTransport {
    let worker: SimulatedWorker

    private var world: World { worker.world }

    func invoke(_ invocation: Invocation) async -> InvocationResult {
        if worker.hasCrashed || (!world.isCalm && world.has(.failingFunctions, 5)) {
            return InvocationResult(.notInvoked(HandlerUnavailable(reason: "simulated")))
        }
        guard let tenure = Tenure.current else {
            world.violate("\(worker) invoked without a lease")
            return InvocationResult(.succeeded)
        }
        var numbers: [UInt64] = []
        invocation.records.forEach { numbers.append($0.sequenceNumber.low) }
        world.tell("\(worker) invokes with \(numbers) of \(tenure.shard)")
        worker.records.noteInvocation(of: numbers, under: tenure, of: worker.leases)
        if let window = invocation.window { verify(window, of: invocation, tenure) }

        let doneCount = await work(on: numbers, isFinal: invocation.window?.isFinal ?? false)
        // Who was cancelled while the function worked does not hear its answer.
        let isHeard = !Task.isCancelled && !worker.hasCrashed
        worker.records.noteAnswer(of: numbers, doneCount: isHeard ? doneCount ?? 0 : nil, under: tenure)
        guard isHeard, let doneCount else {
            return InvocationResult(.failed(.functionError(type: "Error", message: "simulated")))
        }
        return InvocationResult(answer(to: invocation, numbers, doneCount, tenure))
    }

    /// - Returns: How many records are done; `nil` when the function fails.
    private func work(on numbers: [UInt64], isFinal: Bool) async -> Int? {
        let poisoned = numbers.firstIndex(where: worker.records.isPoison)
        var doneCount = poisoned ?? numbers.count
        if !world.isCalm {
            if world.has(.slowFunctions, 35) {
                let milliseconds = world.chance(15) ? world.pick(4000...15_000) : world.pick(1...2500)
                if world.chance(80) {
                    try? await worker.clock.sleep(for: .milliseconds(milliseconds))
                } else {
                    // It does not heed that nobody waits any more.
                    await world.timeline.sleepThrough(.milliseconds(milliseconds), on: worker.clock)
                }
            } else if world.chance(40) {
                try? await worker.clock.sleep(for: .milliseconds(world.pick(1...60)))
            }
            if world.has(.failingFunctions, 10) { return nil }
            if world.has(.failingFunctions, 10), doneCount > 1 { doneCount = world.pick(1...doneCount) }
        }
        if doneCount == numbers.count { return doneCount }
        return world.scenario.source.reportsBatchItemFailures && doneCount > 0 ? doneCount : nil
    }

    private func answer(
        to invocation: Invocation,
        _ numbers: [UInt64],
        _ doneCount: Int,
        _ tenure: Tenure
    ) -> InvocationOutcome {
        guard let window = invocation.window else {
            if doneCount == numbers.count { return .succeeded }
            return .succeededBefore(SequenceNumber(integerLiteral: numbers[doneCount]))
        }
        if window.isFinal { worker.records.noteFinal(of: tenure.shard, window) }
        let sum = numbers.prefix(doneCount).reduce(RecordBook.sum(of: window.state), +)
        let items = doneCount < numbers.count ? #"{"itemIdentifier":"\#(numbers[doneCount])"}"# : ""
        return .answered(Array(#"{"state":\#(sum),"batchItemFailures":[\#(items)]}"#.utf8))
    }

    private func verify(_ window: WindowContext, of invocation: Invocation, _ tenure: Tenure) {
        // What one that was taken over has read of the window may be its successor's.
        guard tenure.takenOver == nil, let row = worker.leases.rows[tenure.shard] else { return }
        invocation.records.forEach { entry in
            if entry.arrival < window.start || entry.arrival >= window.end {
                world.violate("\(entry.sequenceNumber) was put into a window that it is not in")
            }
        }
        let stored = row.progress.window.flatMap { $0.start == window.start ? $0.state : nil }
        if RecordBook.sum(of: window.state) != stored.map(RecordBook.sum) ?? 0 {
            world.violate("\(worker) gave the window of \(tenure.shard) a state that was not stored")
        }
    }
}
