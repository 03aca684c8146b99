import StreamCore
import TestSupport

/// What a run's parts share: time, chance, the story, and what must never happen and did.
///
/// All of a run happens on one thread, so that nothing here is locked.
final class World: @unchecked Sendable {
    let seed: UInt64
    let queue: RunQueue
    let timeline = Timeline()
    /// True time.
    let clock: SimulatedClock
    let scenario: Scenario
    /// Faults have stopped: from here on everything must come to its end.
    var isCalm = false
    var isOver = false
    private(set) var story: [String] = []
    private(set) var violations: [String] = []
    private var random: SeededRandom
    private let tellsStory: Bool

    init(seed: UInt64, tellsStory: Bool) {
        self.seed = seed
        self.tellsStory = tellsStory
        queue = RunQueue(seed: seed)
        clock = SimulatedClock(on: timeline)
        random = SeededRandom(seed: seed)
        scenario = Scenario(using: &random)
    }

    var now: Timeline.Nanoseconds { timeline.now }
    /// The log's wall clock.
    var wallTime: Timestamp { Timestamp(milliseconds: 1_700_000_000_000 + now / 1_000_000) }
    /// The run ends here: something went wrong, or what follows could not be judged.
    var isBroken: Bool { !violations.isEmpty || isCutShort }
    private(set) var isCutShort = false

    func chance(_ percent: Int) -> Bool { pick(0...99) < percent }

    func pick(_ range: ClosedRange<Int>) -> Int {
        let width = UInt64(range.upperBound - range.lowerBound + 1)
        return range.lowerBound + Int(truncatingIfNeeded: (random.next() >> 11) % width)
    }

    func tell(_ what: @autoclosure () -> String) {
        if tellsStory { story.append("\(moment)  \(what())") }
    }

    func violate(_ what: @autoclosure () -> String) {
        guard !isOver else { return }
        let text = what()
        violations.append(text)
        if tellsStory { story.append("\(moment)  *** \(text)") }
    }

    /// What follows is the effect of a gap that is known and stays.
    func cutShort(_ why: String) {
        tell("\(why): the run is cut short")
        isCutShort = true
        isOver = true
    }

    private var moment: String {
        let milliseconds = now / 1_000_000
        let fraction = String(1000 + milliseconds % 1000).dropFirst()
        let text = "\(milliseconds / 1000).\(fraction)"
        return String(repeating: " ", count: max(0, 8 - text.count)) + text
    }
}

extension Timeline.Nanoseconds {
    static func milliseconds(_ count: Int) -> Timeline.Nanoseconds { Int64(count) * 1_000_000 }
}

extension World {
    /// Whether a trouble that the run has strikes now.
    func has(_ trouble: Scenario.Troubles, _ percent: Int) -> Bool {
        scenario.has(trouble) && chance(percent)
    }
}
