import Glibc
import HandlerWire
import StreamCore

/// A handler with everything it has started: its session, and what left the session and kept the environment.
///
/// A process that leaves the session and replaces its environment is not found.
struct ProcessTree {
    /// Lambda's limit of processes and threads together.
    static let maximumThreads = 1024

    /// The handler's own process, which leads the session.
    let leader: Int32
    /// A variable that no other handler's environment has.
    private let mark: [UInt8]

    init(leader: Int32, logStream: String) {
        self.leader = leader
        mark = Array("\(LaunchPlan.logStreamVariable)=\(logStream)\0".utf8)
    }

    /// Whether it has more processes and threads than a function may have.
    var isTooLarge: Bool {
        // Where the whole system has fewer, nobody need be counted.
        ProcessTable.systemThreads() > Self.maximumThreads
            && ProcessTable.threads(ofSession: leader) > Self.maximumThreads
    }

    /// Whether one of its processes has this socket.
    func owns(socket inode: String) -> Bool {
        ProcessTable.process(leader, hasSocket: inode)
            || ProcessTable.members(ofSession: leader).contains { ProcessTable.process($0, hasSocket: inode) }
    }

    /// Kills everything, again and again until nothing is left.
    ///
    /// The leader is not reaped yet, so that its number belongs to nobody else. A fork bomb goes on while it is being
    /// killed; what the kernel cannot end within the limit is left.
    func kill(within limit: Duration) {
        Glibc.kill(-leader, SIGKILL)
        let start = ProcessTable.entry(of: leader)?.start ?? 0
        let end = ContinuousClock.now + limit
        var empty = 0
        while empty < 2, .now < end {
            let newest = ProcessTable.newest()
            // One that has become another user cannot be killed however often.
            let killed = ProcessTable.all().filter { isMember($0, since: start) }
                .count { Glibc.kill($0, SIGKILL) == 0 }
            empty = killed == 0 ? empty + 1 : 0
            // Only one that was born meanwhile can have been behind the listing's back.
            if killed == 0, let newest, ProcessTable.newest() == newest { return }
        }
    }

    /// Reads no environment of what is older than the handler: every end of a process asks for all there are.
    private func isMember(_ pid: Int32, since start: Int) -> Bool {
        guard pid != getpid(), let entry = ProcessTable.entry(of: pid), entry.isAlive, entry.start >= start
        else { return false }
        return entry.session == leader || ProcessTable.environment(of: pid, contains: mark)
    }
}
