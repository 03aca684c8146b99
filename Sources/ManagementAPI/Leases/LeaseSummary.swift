/// Who has the right to one shard of a mapping, and how it fares there.
package struct LeaseSummary: Codable, Hashable, Sendable {
    /// What commands call it: FUNCTION/SHARD, or MAPPING/SHARD where the function has several mappings.
    package var lease: String
    package var function: String
    package var mapping: String
    package var stream: String
    package var shard: String
    /// A sequence number or a sentinel, as KCL writes them.
    package var checkpoint: String
    /// The worker that has the lease, or for which it is kept; absent while it is free.
    package var holder: String?
    /// The worker that has asked the holder for it.
    package var nextHolder: String?
    /// In one or two words: held, free, handing over, reserved, silent, expired, finished.
    package var state: String
    /// Why it moves or does not, in words.
    package var why: String
    /// How long the host has seen no sign of life of the holder; absent before it has looked twice, and of a finished shard.
    package var unchangedSeconds: Int?
    /// How long the oldest record not yet done has waited; absent while unknown to the host.
    package var iteratorAgeMilliseconds: Int64?
    /// What was delivered lately, in KB/s; absent before the first renewal.
    package var throughputKBps: Double?

    package init(
        lease: String,
        function: String,
        mapping: String,
        stream: String,
        shard: String,
        checkpoint: String,
        holder: String?,
        nextHolder: String?,
        state: String,
        why: String,
        unchangedSeconds: Int?,
        iteratorAgeMilliseconds: Int64?,
        throughputKBps: Double?
    ) {
        self.lease = lease
        self.function = function
        self.mapping = mapping
        self.stream = stream
        self.shard = shard
        self.checkpoint = checkpoint
        self.holder = holder
        self.nextHolder = nextHolder
        self.state = state
        self.why = why
        self.unchangedSeconds = unchangedSeconds
        self.iteratorAgeMilliseconds = iteratorAgeMilliseconds
        self.throughputKBps = throughputKBps
    }

    /// As a part of the management API's paths.
    package var path: String { "leases/\(mapping)/\(shard)" }
}

/// A process that runs functions, as it reported itself.
package struct WorkerSummary: Codable, Hashable, Sendable {
    package enum State: String, Codable, Sendable {
        case live, draining
        /// No sign of life for the failover time: others take its leases.
        case silent
        /// Its process has ended for certain.
        case dead
    }

    package var worker: String
    /// Empty for a worker of KCL's, which does not say it.
    package var host: String
    /// 0 for a worker of KCL's.
    package var processID: Int
    package var started: String
    package var state: State
    package var leases: Int
    /// How much of the CPU time that it may use was used lately; absent while unknown.
    package var cpuPercent: Double?
    /// What was delivered of its shards lately, together; absent while unknown.
    package var throughputKBps: Double?

    package init(
        worker: String,
        host: String,
        processID: Int,
        started: String,
        state: State,
        leases: Int,
        cpuPercent: Double?,
        throughputKBps: Double?
    ) {
        self.worker = worker
        self.host = host
        self.processID = processID
        self.started = started
        self.state = state
        self.leases = leases
        self.cpuPercent = cpuPercent
        self.throughputKBps = throughputKBps
    }
}
