/// Who decides which worker has which lease.
package enum LeasePlanning: Hashable, Sendable {
    /// Each worker plans for itself.
    case own
    /// Another does, such as the leader of a KCL fleet: a worker takes what is assigned to it, gives up what it is asked
    /// for, and nothing else.
    case following
}
