import Foundation

/// The CPU time that this process and its children have used, and how many CPUs they may use.
package struct CPUReading: Hashable, Sendable {
    package let used: Duration
    package let cpus: Double

    package init(used: Duration, cpus: Double) {
        self.used = used
        self.cpus = cpus
    }

    /// The mean use of what may be used, in percent: 0–100.
    package func percent(since earlier: CPUReading, over time: Duration) -> Double {
        guard time > .zero, cpus > 0 else { return 0 }
        // What a child that was not waited for had used is missing from the later reading.
        return min(100, max(0, (used - earlier.used) / time / cpus * 100))
    }

    /// What `/proc` says of this process and of its descendants, where the functions run.
    ///
    /// - Returns: `nil` where there is no such file system.
    package static func ofProcessTree() -> CPUReading? {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        var children: [Int: [ProcessTimes]] = [:]
        let own = Int(ProcessInfo.processInfo.processIdentifier)
        var root: ProcessTimes?
        for name in names {
            guard let id = Int(name), let text = read("/proc/\(id)/stat"),
                let times = ProcessTimes(stat: text)
            else { continue }
            if id == own { root = times }
            children[times.parent, default: []].append(times)
        }
        guard let root else { return nil }
        var ticks = 0
        var left = [root]
        while let process = left.popLast() {
            ticks += process.ticks
            left += children[process.id] ?? []
        }
        let used = Duration.seconds(Double(ticks) / Double(sysconf(Int32(_SC_CLK_TCK))))
        return CPUReading(used: used, cpus: availableCPUs)
    }

    /// The CPUs that the process may run on, or what its control group grants if that is less.
    private static var availableCPUs: Double {
        let count = Double(ProcessInfo.processInfo.activeProcessorCount)
        // Version 2: `$MAX $PERIOD`, of which the first may be `max`.
        guard let limit = read("/sys/fs/cgroup/cpu.max") else { return count }
        let parts = limit.split(whereSeparator: \.isWhitespace).map { Double($0) }
        guard parts.count == 2, let most = parts[0], let period = parts[1], period > 0 else { return count }
        return min(count, most / period)
    }

    private static func read(_ path: String) -> String? {
        FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
    }
}

/// One line of `/proc/PID/stat`.
struct ProcessTimes: Hashable {
    let id: Int
    let parent: Int
    /// Its own in user and system mode, and that of the children that it has waited for.
    let ticks: Int

    /// - Returns: `nil` when the line is not one.
    init?(stat: String) {
        // The name of the program stands in parentheses and may hold spaces and parentheses.
        guard let open = stat.firstIndex(of: "("), let close = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[stat.index(after: close)...].split(separator: " ")
        // State, parent, …; utime, stime, cutime and cstime are fields 14 to 17 of the line.
        guard let id = Int(stat[..<open].filter(\.isNumber)), fields.count > 14, let parent = Int(fields[1])
        else { return nil }
        let times = fields[11...14].compactMap { Int($0) }
        guard times.count == 4 else { return nil }
        self.id = id
        self.parent = parent
        ticks = times.reduce(0, +)
    }
}
