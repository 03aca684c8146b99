package import Logging
package import StreamCore

/// Keeps every event source mapping that shall run running, each with its settings as they are now.
///
/// A mapping whose settings change is drained, and then started with the new ones. Each is told to the registry as
/// settled once what it asks for is so.
package struct MappingSupervisor: Sendable {
    private enum Event: Sendable {
        case registered([EventSourceMapping])
        case ready(MappingID)
        case ended(MappingID)
        case notSettled
        case draining
    }

    private struct Running {
        let mapping: EventSourceMapping
        let drain = DrainSignal()
        var isReady = false

        /// Whether it does what the mapping asks for now; names and dates of a mapping do not change what runs.
        func serves(_ wanted: EventSourceMapping) -> Bool {
            wanted.runs && wanted.source == mapping.source && wanted.function == mapping.function
                && wanted.qualifier == mapping.qualifier
        }
    }

    private let clock: any Clock<Duration>
    private let logger: Logger
    private let settle: Settle
    private let runMapping: RunMapping

    /// Runs one mapping until it is asked to drain, and tells when everything that arrives from then on is its own.
    package typealias RunMapping =
        @Sendable (EventSourceMapping, DrainSignal, _ ready: @escaping @Sendable () -> Void) async throws ->
        Void

    /// Tells that what a mapping in transition asks for is done here; `false` while others still run it as it was, so
    /// that it is to be told again.
    package typealias Settle = @Sendable (EventSourceMapping) async throws -> Bool

    /// How long after a failure the same is tried again.
    private static let pause = Duration.seconds(1)

    package init(
        clock: any Clock<Duration>,
        logger: Logger,
        settle: @escaping Settle,
        runMapping: @escaping RunMapping
    ) {
        self.clock = clock
        self.logger = logger
        self.settle = settle
        self.runMapping = runMapping
    }

    /// Runs until `drain` is requested and every mapping has ended.
    ///
    /// - Parameter registrations: The whole set of mappings, at first and after each change.
    package func run(
        _ registrations: some AsyncSequence<[EventSourceMapping], Never> & Sendable,
        until drain: DrainSignal
    ) async {
        let (events, continuation) = AsyncStream.makeStream(of: Event.self)
        drain.onRequest { continuation.yield(.draining) }

        await withDiscardingTaskGroup { group in
            group.addTask {
                for await mappings in registrations { continuation.yield(.registered(mappings)) }
            }
            var known: [MappingID: EventSourceMapping] = [:]
            var running: [MappingID: Running] = [:]
            for await event in events {
                switch event {
                case .registered(let mappings):
                    known = Dictionary(mappings.map { ($0.id, $0) }, uniquingKeysWith: { $1 })
                case .ready(let id): running[id]?.isReady = true
                case .ended(let id): running[id] = nil
                case .notSettled, .draining: break
                }
                let wanted = drain.isRequested ? [:] : known.filter(\.value.runs)

                for (id, unit) in running where wanted[id].map(unit.serves) != true { unit.drain.request() }
                for (id, mapping) in wanted where running[id] == nil {
                    let unit = Running(mapping: mapping)
                    running[id] = unit
                    group.addTask {
                        await run(unit) { continuation.yield(.ready(id)) }
                        continuation.yield(.ended(id))
                    }
                }
                if drain.isRequested {
                    if running.isEmpty { break }
                } else if await !settleAll(known.values, running) {
                    group.addTask {
                        try? await clock.sleep(for: Self.pause)
                        continuation.yield(.notSettled)
                    }
                }
            }
            // Ends the watching of registrations.
            group.cancelAll()
        }
    }

    /// Settles the mappings in transition that have arrived where they shall be.
    ///
    /// - Returns: `false` when one of them is to be told again.
    private func settleAll(
        _ mappings: some Sequence<EventSourceMapping>,
        _ running: [MappingID: Running]
    ) async -> Bool {
        var isSettled = true
        for mapping in mappings where mapping.state != mapping.settledState {
            let unit = running[mapping.id]
            let hasArrived =
                mapping.runs ? unit.map { $0.isReady && $0.serves(mapping) } == true : unit == nil
            guard hasArrived else { continue }
            do {
                if try await !settle(mapping) { isSettled = false }
            } catch {
                logger.error(
                    "mapping not settled",
                    metadata: ["mapping": "\(mapping.id)", "error": "\(error)"]
                )
                isSettled = false
            }
        }
        return isSettled
    }

    private func run(_ unit: Running, ready: @escaping @Sendable () -> Void) async {
        do {
            try await runMapping(unit.mapping, unit.drain, ready)
        } catch {
            logger.error("mapping stopped", metadata: ["mapping": "\(unit.mapping.id)", "error": "\(error)"])
        }
        // It is started again unless it was asked to end: without a pause one that ends at once would spin.
        _ = try? await unit.drain.interruptible { [clock] in try await clock.sleep(for: Self.pause) }
    }
}
