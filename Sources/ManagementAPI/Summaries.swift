// What the management API answers: the same fields as the commands print with --json.

/// A registered function and how its processes fare.
package struct FunctionSummary: Codable, Hashable, Sendable {
    package var name: String
    package var runtime: String
    package var handler: String
    package var codeDirectory: String
    package var timeoutSeconds: Int
    package var memoryMegabytes: Int
    package var concurrencyLimit: Int
    package var streams: [String]
    package var processes: [ProcessSummary]
    /// In words: whether it is ready, and why not.
    package var state: String
    /// Why the batch that is being retried failed; absent while none is.
    package var lastError: String?
    /// Why no process starts, and when the next is tried; absent while all is well.
    package var startFailure: String?
    /// Lambda's words for whether it can run: Pending, Active or Failed.
    package var status: String
    /// Lambda's words for how its last change went: Successful, InProgress or Failed.
    package var updateStatus: String
    /// Why it cannot run, or why its last change failed; absent while all is well.
    package var updateFailure: String?
    package var description: String
    /// The numbers of those that were published.
    package var versions: [Int]
    package var aliases: [AliasSummary]
    package var tags: [String: String]

    package init(
        name: String,
        runtime: String,
        handler: String,
        codeDirectory: String,
        timeoutSeconds: Int,
        memoryMegabytes: Int,
        concurrencyLimit: Int,
        streams: [String],
        processes: [ProcessSummary],
        state: String,
        lastError: String?,
        startFailure: String?,
        status: String = "Active",
        updateStatus: String = "Successful",
        updateFailure: String? = nil,
        description: String = "",
        versions: [Int] = [],
        aliases: [AliasSummary] = [],
        tags: [String: String] = [:]
    ) {
        self.name = name
        self.runtime = runtime
        self.handler = handler
        self.codeDirectory = codeDirectory
        self.timeoutSeconds = timeoutSeconds
        self.memoryMegabytes = memoryMegabytes
        self.concurrencyLimit = concurrencyLimit
        self.streams = streams
        self.processes = processes
        self.state = state
        self.lastError = lastError
        self.startFailure = startFailure
        self.status = status
        self.updateStatus = updateStatus
        self.updateFailure = updateFailure
        self.description = description
        self.versions = versions
        self.aliases = aliases
        self.tags = tags
    }
}

/// A name for one version of a function.
package struct AliasSummary: Codable, Hashable, Sendable {
    package var name: String
    /// A number or `$LATEST`.
    package var version: String

    package init(name: String, version: String) {
        self.name = name
        self.version = version
    }
}

/// One process of a function.
package struct ProcessSummary: Codable, Hashable, Sendable {
    package var pid: Int32
    package var state: String
    package var invocations: Int

    package init(pid: Int32, state: String, invocations: Int) {
        self.pid = pid
        self.state = state
        self.invocations = invocations
    }
}

/// An event source mapping and whether it runs.
package struct MappingSummary: Codable, Hashable, Sendable {
    package var mapping: String
    package var function: String
    package var stream: String
    package var state: String
    package var startingPosition: String
    package var batchSize: Int
    package var batchWindowSeconds: Int

    package init(
        mapping: String,
        function: String,
        stream: String,
        state: String,
        startingPosition: String,
        batchSize: Int,
        batchWindowSeconds: Int
    ) {
        self.mapping = mapping
        self.function = function
        self.stream = stream
        self.state = state
        self.startingPosition = startingPosition
        self.batchSize = batchSize
        self.batchWindowSeconds = batchWindowSeconds
    }
}

/// How far one shard has been processed for one mapping, and what is going on there.
package struct CheckpointSummary: Codable, Hashable, Sendable {
    package var function: String
    package var mapping: String
    package var stream: String
    package var shard: String
    /// A sequence number or a sentinel, as KCL writes them.
    package var checkpoint: String
    package var owner: String?
    /// How long the oldest record not yet done has waited; absent while unknown.
    package var iteratorAgeMilliseconds: Int64?
    /// Done since the host started.
    package var records: Int
    package var batches: Int
    package var failedInvocations: Int
    /// Absent unless the mapping's MetricsConfig asks for EventCount.
    package var events: EventCountSummary?
    /// In words, for people.
    package var state: String
    /// Why the batch that is being retried failed; absent while none is.
    package var lastError: String?

    package init(
        function: String,
        mapping: String,
        stream: String,
        shard: String,
        checkpoint: String,
        owner: String?,
        iteratorAgeMilliseconds: Int64?,
        records: Int,
        batches: Int,
        failedInvocations: Int,
        events: EventCountSummary?,
        state: String,
        lastError: String?
    ) {
        self.function = function
        self.mapping = mapping
        self.stream = stream
        self.shard = shard
        self.checkpoint = checkpoint
        self.owner = owner
        self.iteratorAgeMilliseconds = iteratorAgeMilliseconds
        self.records = records
        self.batches = batches
        self.failedInvocations = failedInvocations
        self.events = events
        self.state = state
        self.lastError = lastError
    }
}

/// Lambda's EventCount metrics of one shard of a mapping, since the host started.
package struct EventCountSummary: Codable, Hashable, Sendable {
    package var polled: Int
    package var filteredOut: Int
    /// With each repetition.
    package var invoked: Int
    package var failedInvoke: Int
    /// Given up, and stored as failures.
    package var givenUp: Int
    /// Given up, and taken to their destination.
    package var delivered: Int

    package init(
        polled: Int,
        filteredOut: Int,
        invoked: Int,
        failedInvoke: Int,
        givenUp: Int,
        delivered: Int
    ) {
        self.polled = polled
        self.filteredOut = filteredOut
        self.invoked = invoked
        self.failedInvoke = failedInvoke
        self.givenUp = givenUp
        self.delivered = delivered
    }
}

/// How long a stream keeps its records: `{"hours": 24}`, or `{"hours": null}` for ever.
package struct RetentionSummary: Codable, Hashable, Sendable {
    package var hours: Int?

    package init(hours: Int?) {
        self.hours = hours
    }

    private enum CodingKeys: CodingKey {
        case hours
    }

    package init(from decoder: any Decoder) throws {
        // A missing key is a mistake, not a wish to keep everything.
        hours = try decoder.container(keyedBy: CodingKeys.self).decode(Int?.self, forKey: .hours)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(hours, forKey: .hours)
    }
}

/// Asks the host to register the functions of a SAM template on its own machine: all of them or, when it refuses, none.
package struct TemplateRequest: Codable, Hashable, Sendable {
    /// Absolute path of the template.
    package var template: String
    package var parameters: [String: String]
    package var stackName: String
    /// Leaves out what cannot be carried out, instead of refusing the template.
    package var skipsUnsupported: Bool

    package init(
        template: String,
        parameters: [String: String],
        stackName: String,
        skipsUnsupported: Bool
    ) {
        self.template = template
        self.parameters = parameters
        self.stackName = stackName
        self.skipsUnsupported = skipsUnsupported
    }
}

/// What became of a template.
package struct TemplateSummary: Codable, Hashable, Sendable {
    package var functions: [FunctionSummary]
    /// Those that the template describes; whoever asked creates them, through the Kinesis API.
    package var streams: [StreamPlan]
    /// What stands in the template and was not carried out: place and reason.
    package var leftOut: [String]

    package init(functions: [FunctionSummary], streams: [StreamPlan], leftOut: [String]) {
        self.functions = functions
        self.streams = streams
        self.leftOut = leftOut
    }
}

/// A stream as a template describes it.
package struct StreamPlan: Codable, Hashable, Sendable {
    package var name: String
    /// Absent for a stream on demand.
    package var shardCount: Int?
    package var retentionHours: Int?
    package var tags: [String: String]

    package init(name: String, shardCount: Int?, retentionHours: Int?, tags: [String: String]) {
        self.name = name
        self.shardCount = shardCount
        self.retentionHours = retentionHours
        self.tags = tags
    }
}

/// Asks the host to register the function in a folder of its own machine.
package struct RegisterRequest: Codable, Hashable, Sendable {
    /// Absolute path of a folder with a function.yaml.
    package var directory: String

    package init(directory: String) {
        self.directory = directory
    }
}

/// Why a call was refused: one line for each thing that is wrong.
package struct ErrorAnswer: Codable, Hashable, Sendable {
    package var errors: [String]
    package var hint: String?

    package init(errors: [String], hint: String? = nil) {
        self.errors = errors
        self.hint = hint
    }
}
