import Foundation

/// What a process has used up to now, as /proc tells.
struct ProcessUsage: Encodable, Sendable {
    var cpuSeconds: Double
    var peakMegabytes: Double

    static let none = ProcessUsage(cpuSeconds: 0, peakMegabytes: 0)

    init(cpuSeconds: Double, peakMegabytes: Double) {
        self.cpuSeconds = cpuSeconds
        self.peakMegabytes = peakMegabytes
    }

    init(pid: Int32) throws {
        let stat = try Self.statFields(of: pid)
        let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
        let ticks = (Double(stat[11]) ?? 0) + (Double(stat[12]) ?? 0)
        cpuSeconds = ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
        let peak = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        peakMegabytes = (peak?.split(separator: " ").dropLast().last.flatMap { Double($0) } ?? 0) / 1024
    }

    /// The children of a process: their CPU together, the peak of the largest.
    static func ofChildren(of parent: Int32) throws -> ProcessUsage {
        var total = ProcessUsage.none
        for name in try FileManager.default.contentsOfDirectory(atPath: "/proc") {
            // A process may be gone before it is looked at.
            guard let pid = Int32(name), let stat = try? statFields(of: pid), Int32(stat[1]) == parent,
                let usage = try? ProcessUsage(pid: pid)
            else { continue }
            total.cpuSeconds += usage.cpuSeconds
            total.peakMegabytes = max(total.peakMegabytes, usage.peakMegabytes)
        }
        return total
    }

    /// What a process has in memory now.
    static func residentMegabytes(of pid: Int32) throws -> Double {
        let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        return (line?.split(separator: " ").dropLast().last.flatMap { Double($0) } ?? 0) / 1024
    }

    static func - (later: ProcessUsage, earlier: ProcessUsage) -> ProcessUsage {
        ProcessUsage(cpuSeconds: later.cpuSeconds - earlier.cpuSeconds, peakMegabytes: later.peakMegabytes)
    }

    /// The fields of /proc/PID/stat from the third on: state, parent, …; the name before them may hold spaces.
    private static func statFields(of pid: Int32) throws -> [Substring] {
        let text = try String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
        let fields = text[(text.lastIndex(of: ")") ?? text.startIndex)...].dropFirst(2).split(separator: " ")
        guard fields.count > 12 else { throw BenchFailure("/proc/\(pid)/stat has \(fields.count) fields") }
        return fields
    }
}
