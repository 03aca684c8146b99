/// One seed, run to its end.
struct Run {
    let violations: [String]
    let story: [String]
    let isCutShort: Bool
    /// The same for the same seed: a fingerprint of everything that happened, in order.
    let trace: UInt64
    let simulatedSeconds: Int
    let jobCount: Int

    /// Some hundred times what a run takes: one that passes it spins.
    private static let mostJobs = 2_000_000

    init(seed: UInt64, bug: PlantedBug?, tellsStory: Bool = false) {
        let world = World(seed: seed, tellsStory: tellsStory)
        let simulation = Simulation(world, bug: bug)
        let end = End()
        _ = world.queue.start(as: 0) {
            await simulation.run()
            end.isReached = true
        }
        while !end.isReached {
            if world.queue.runNext() {
                guard world.queue.jobCount < Self.mostJobs else {
                    world.isOver = false
                    world.violate("it spins: \(Self.mostJobs) jobs have run")
                    break
                }
            } else if world.timeline.jump() {
                world.queue.note(UInt64(world.now))
            } else {
                world.isOver = false
                world.violate("everything waits for something, and nothing will happen")
                break
            }
        }
        violations = world.violations
        story = world.story
        isCutShort = world.isCutShort
        trace = world.queue.trace
        simulatedSeconds = Int(world.now / 1_000_000_000)
        jobCount = world.queue.jobCount
    }

    private final class End: @unchecked Sendable { var isReached = false }
}
