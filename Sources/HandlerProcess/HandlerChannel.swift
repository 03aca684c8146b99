import Glibc
import StreamCore

/// Talks with one process in its own protocol: one implementation per protocol, used by the process's thread only.
protocol HandlerChannel: AnyObject {
    /// What the process gets as its descriptor 3; `nil` when it needs none.
    var handlerDescriptor: Int32? { get }
    /// The process has been started and has its own copy of that descriptor.
    func started(_ tree: ProcessTree)

    /// When `serve` is due although nothing happens; `nil` when it is not.
    var nextDue: ContinuousClock.Instant? { get }
    /// Adds what the channel waits for.
    func appendDescriptors(to set: inout [pollfd])
    /// Reads and writes whatever can be, without blocking.
    ///
    /// - Parameter ready: What this channel added, with the results of `poll`.
    func serve(_ ready: ArraySlice<pollfd>) -> [ChannelEvent]
    /// Hands work to the process, or keeps it until the process asks for it.
    func send(_ invocation: ChannelInvocation) -> [ChannelEvent]
    /// Whether the process may have seen any of this invocation.
    func hasBegun(_ number: UInt64) -> Bool
    /// Reads what the process wrote before it ended, up to a limit.
    func drain() -> [ChannelEvent]
}

/// Work as a channel sends it.
struct ChannelInvocation {
    /// Counts the invocations of the process.
    let number: UInt64
    let work: Work
    let timeout: Duration
}

/// What a channel learned.
enum ChannelEvent: Equatable {
    /// The process can take its first batch.
    case ready
    case startFailed(reason: String)
    /// With the error as the runtime posted it, when it did.
    case answered(number: UInt64, InvocationOutcome, errorBody: [UInt8]? = nil)
    /// The process closed its side, as it does when it ends.
    case closed
    /// The process broke the protocol and cannot be talked with any more.
    case broken(reason: String)
}
