import StreamCore
import Testing

@testable import millrace

struct RosterOutboxTests {
    @Test func `one worker delivers failures, and waits for those before it when it takes over`() {
        let (first, second) = (worker("worker-a"), worker("worker-b"))

        #expect(turn(of: "worker-a", first) == .mine)
        #expect(turn(of: "worker-a", first, second) == .mineAfterOthers)
        #expect(turn(of: "worker-b", first, second) == .anothers)
        #expect(turn(of: "worker-b", worker("worker-a", isAlive: false), second) == .mine)
        #expect(turn(of: "worker-b", worker("worker-a", isDraining: true), second) == .mineAfterOthers)
        #expect(turn(of: "worker-b", worker("java", processID: 0), second) == .mine)
        #expect(turn(of: "worker-c", first, second) == .anothers, "it is not known yet")
    }

    private func turn(of name: WorkerID, _ workers: (row: WorkerRow, isAlive: Bool)...) -> RosterOutbox.Turn {
        RosterOutbox.turn(of: name, among: workers)
    }

    private func worker(
        _ name: WorkerID,
        processID: Int = 1,
        isDraining: Bool = false,
        isAlive: Bool = true
    ) -> (row: WorkerRow, isAlive: Bool) {
        let report = WorkerReport(
            worker: name,
            host: "host",
            processID: processID,
            started: Timestamp(milliseconds: 1),
            isDraining: isDraining
        )
        return (WorkerRow(report: report, counter: 1), isAlive)
    }
}
