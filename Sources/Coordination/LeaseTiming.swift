/// The periods of lease keeping; KCL's defaults.
package struct LeaseTiming: Hashable, Sendable {
    /// A lease whose counter has not changed for this long has expired.
    package let failover: Duration
    /// How often a worker looks at the stream's shards.
    package let shardSync: Duration

    package init(
        failover: Duration = .seconds(10),
        shardSync: Duration = .seconds(60)
    ) {
        precondition(failover > .zero, "a lease lasts some time")
        self.failover = failover
        self.shardSync = shardSync
    }

    /// Two renewals may fail before a lease expires.
    package var renewal: Duration { failover / 3 }

    /// A worker trusts its leases less long than the others do.
    package var ownTrust: Duration { failover * 0.8 }

    /// How often a worker looks whether its leases can still be trusted: what is late is stopped within nine
    /// tenths of the failover time.
    package var trustCheck: Duration { failover / 10 }
}
