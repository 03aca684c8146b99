/// The periods of lease keeping; KCL's defaults.
package struct LeaseTiming: Hashable, Sendable {
    /// A lease whose counter has not changed for this long has expired.
    package let failover: Duration
    /// How often a worker looks at the stream's shards.
    package let shardSync: Duration
    /// How long a holder that was asked to hand a lease over may take for its batch in hand.
    package let handOff: Duration

    package init(
        failover: Duration = .seconds(10),
        shardSync: Duration = .seconds(60),
        handOff: Duration = .seconds(30)
    ) {
        precondition(failover > .zero, "a lease lasts some time")
        self.failover = failover
        self.shardSync = shardSync
        self.handOff = handOff
    }

    /// Two renewals may fail before a lease expires.
    package var renewal: Duration { failover / 3 }

    /// A worker trusts its leases less long than the others do.
    package var ownTrust: Duration { failover * 0.8 }

    /// How often a worker looks whether its leases can still be trusted: what is late is stopped within nine
    /// tenths of the failover time.
    package var trustCheck: Duration { failover / 10 }

    /// How soon a worker that waits for leases looks again whether they were released.
    package var handOffCheck: Duration { failover / 10 }

    /// A lease that nobody took for this long goes before all others.
    package var veryOld: Duration { failover * 3 }

    /// How often loads are balanced: KCL's leader plans each 2 failover times, and balances with each third plan.
    package var balance: Duration { failover * 6 }

    /// After this long a worker takes a lease that was asked for from a holder that does not let go: the holder's own
    /// time limit, and the time in which it notices and cancels.
    package var handOffPatience: Duration { handOff + failover }

    /// How long the row of a finished shard is kept after nothing waits for it any more, KCL's period: a worker that was
    /// held up since before the shard had a row must not add it again, and has noticed by then.
    package var keepFinished: Duration { failover * 30 }

    /// A look at all rows that is older says too little to add rows by.
    package var longestView: Duration { failover }

    /// How long a worker that drains goes on writing to a store that does not answer.
    package var lastWrites: Duration { failover }
}
