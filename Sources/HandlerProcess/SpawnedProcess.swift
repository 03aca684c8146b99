import CProcess
import Glibc
import HandlerWire
import StreamCore

/// A running handler in a process group of its own, with pipes from its output.
///
/// It dies with the thread that made it, so that no handler outlives a host that was killed. That thread
/// therefore stays for as long as the process is meant to.
final class SpawnedProcess {
    let pid: Int32
    /// Becomes readable when the process has ended.
    let end: Descriptor
    let output: Descriptor
    let errors: Descriptor
    let tree: ProcessTree
    private var status: ExitStatus?
    private let endLimit: Duration

    /// - Parameters:
    ///   - channel: Becomes the process's descriptor 3.
    ///   - endLimit: How long it may take to end once it is killed.
    init(_ plan: LaunchPlan, channel: Int32?, endLimit: Duration) throws(StartFailure) {
        self.endLimit = endLimit
        do throws(SystemCallFailure) {
            let input = try Descriptor(open("/dev/null", O_RDONLY | O_CLOEXEC), from: "open /dev/null")
            let output = try DescriptorPair.pipe()
            let errors = try DescriptorPair.pipe()
            let descriptors =
                [input.number, output.handler.number, errors.handler.number] + [channel].compactMap(\.self)
            pid = try Self.spawn(plan, descriptors).get()
            tree = ProcessTree(leader: pid, logStream: plan.environment[LaunchPlan.logStreamVariable] ?? "")
            end = try Self.openEnd(of: pid)
            self.output = output.host
            self.errors = errors.host
        } catch {
            throw StartFailure(reason: "\(plan.path) cannot be started: \(error)")
        }
    }

    deinit {
        if status == nil { _ = endNow() }
    }

    /// Kills the process and all that it has started, and waits for its end.
    ///
    /// - Returns: How it ended, which is its own doing when it was already over; unknown when it does not end
    ///   within the limit, or its end went to somebody else, such as to the kernel in a host that ignores SIGCHLD.
    func endNow() -> ExitStatus {
        if let status { return status }
        // Before the process is reaped, so that its number cannot have passed to another group.
        tree.kill(within: endLimit)
        let status = awaitEnd()
        self.status = status
        return status
    }

    private func awaitEnd() -> ExitStatus {
        let limit = ContinuousClock.now + endLimit
        var ended = pollfd(fd: end.number, events: Int16(POLLIN), revents: 0)
        let milliseconds = Int32(clamping: endLimit.milliseconds)
        while poll(&ended, 1, milliseconds) < 0, errno == EINTR, .now < limit { continue }
        var number: Int32 = 0
        var isSignal: Int32 = 0
        guard ended.revents != 0, millrace_reap(end.number, &number, &isSignal) == 0 else { return .unknown }
        return isSignal == 1 ? .signal(number) : .code(number)
    }

    /// A process that cannot be watched is ended: nobody would ever do it.
    private static func openEnd(of pid: Int32) throws(SystemCallFailure) -> Descriptor {
        let number = millrace_pidfd_open(pid)
        let failure = SystemCallFailure(call: "pidfd_open", error: errno)
        guard number >= 0 else {
            kill(-pid, SIGKILL)
            waitpid(pid, nil, 0)
            throw failure
        }
        return try Descriptor(number, from: "pidfd_open")
    }

    private static func spawn(_ plan: LaunchPlan, _ descriptors: [Int32]) -> Result<Int32, SystemCallFailure>
    {
        withCStrings([plan.path] + plan.arguments) { arguments in
            withCStrings(plan.environment.map { "\($0.key)=\($0.value)" }) { environment in
                plan.path.withCString { path in
                    plan.directory.withCString { directory in
                        descriptors.withUnsafeBufferPointer { descriptors in
                            var request = millrace_spawn_request(
                                path: path,
                                arguments: arguments,
                                environment: environment,
                                directory: directory,
                                descriptors: descriptors.baseAddress,
                                descriptor_count: descriptors.count,
                                data_bytes: UInt64(plan.memoryBytes),
                                open_files: 1024
                            )
                            var failure = millrace_spawn_failure()
                            let pid = millrace_spawn(&request, &failure)
                            guard pid < 0 else { return .success(pid) }
                            return .failure(SystemCallFailure(call: step(failure.step), error: failure.error))
                        }
                    }
                }
            }
        }
    }

    private static func step(_ step: Int32) -> StaticString {
        switch UInt32(step) {
        case MILLRACE_SPAWN_FORK.rawValue: "vfork"
        case MILLRACE_SPAWN_PARENT.rawValue: "prctl"
        case MILLRACE_SPAWN_SESSION.rawValue: "setsid"
        case MILLRACE_SPAWN_DESCRIPTORS.rawValue: "dup2"
        case MILLRACE_SPAWN_DIRECTORY.rawValue: "chdir"
        case MILLRACE_SPAWN_LIMITS.rawValue: "setrlimit"
        default: "execve"
        }
    }

    /// Lends a null-terminated array of C strings.
    private static func withCStrings<Result>(
        _ strings: [String],
        _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>?) -> Result
    ) -> Result {
        let copies = strings.map { strdup($0) } + [nil]
        defer { for copy in copies { free(copy) } }
        return copies.withUnsafeBufferPointer { body($0.baseAddress) }
    }
}
