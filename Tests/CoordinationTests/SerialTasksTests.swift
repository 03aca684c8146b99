import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5)))
struct SerialTasksTests {
    @Test func `when tasks have settled each has come as far as it can, and none ran beside another`()
        async throws
    {
        try await SerialTasks.run { tasks in
            let gate = Gate()
            let (arrived, passed, steps) = (Recorder<Int>(), Recorder<Int>(), Recorder<Bool>())
            for number in 0..<50 {
                Task {
                    for _ in 0..<20 {
                        steps.append(true)
                        steps.append(false)
                        await Task {}.value
                    }
                    arrived.append(number)
                    await withTaskGroup { group in for _ in 0..<3 { group.addTask { await gate.pass() } } }
                    passed.append(number)
                }
            }

            await tasks.settle()
            #expect(arrived.events.count == 50 && passed.events.isEmpty)
            gate.open()
            await tasks.settle()

            #expect(passed.events.count == 50)
            #expect(steps.events == (0..<2_000).map { $0.isMultiple(of: 2) })
        }
    }
}
