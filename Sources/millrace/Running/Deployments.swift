import HandlerProcess
import StreamCore
import Synchronization

/// Which processes serve each function now: those of its latest code, and those of its published versions.
///
/// New code is started beside the old and takes its place between two batches; no mapping gives up a lease for it.
final class Deployments: Sendable {
    private struct Deployment {
        var function: RegisteredFunction
        var latest: HandlerPool
        /// When the code of `latest` was registered.
        var modified: Timestamp
        /// Started when somebody first asks for them.
        var versions: [Int: HandlerPool] = [:]

        var pools: [HandlerPool] { [latest] + versions.values }
    }

    private struct State {
        var deployments: [FunctionName: Deployment] = [:]
        /// Revisions whose first process is being started.
        var trying: Set<String> = []
        var isShutDown = false
    }

    private let settings: HandlerSettings
    private let state = Mutex(State())

    init(settings: HandlerSettings) {
        self.settings = settings
    }

    /// What is left to do after a change of the registry.
    struct Changes: Sendable {
        var trials: [Trial] = []
        /// Processes that nobody asks any more.
        var ended: [HandlerPool] = []
    }

    /// Code that has never run: a first process of it tells whether it can.
    struct Trial: Sendable {
        let function: RegisteredFunction
        let pool: HandlerPool
        var isCandidate: Bool { function.candidate != nil }
    }

    /// Takes up the functions as they are registered now.
    ///
    /// - Parameter tryingNewCode: Whether it is for this process to find out whether new code starts.
    func apply(_ functions: [RegisteredFunction], tryingNewCode: Bool = true) -> Changes {
        state.withLock { state in
            var changes = Changes()
            guard !state.isShutDown else { return changes }
            let names = Set(functions.map(\.name))
            for (name, deployment) in state.deployments where !names.contains(name) {
                state.deployments[name] = nil
                changes.ended += deployment.pools
            }
            for function in functions {
                apply(function, tryingNewCode: tryingNewCode, &state, &changes)
            }
            return changes
        }
    }

    private func apply(
        _ function: RegisteredFunction,
        tryingNewCode: Bool,
        _ state: inout State,
        _ changes: inout Changes
    ) {
        var deployment =
            state.deployments[function.name]
            ?? Deployment(
                function: function,
                latest: makePool(function, function.definition),
                modified: function.lastModified
            )
        deployment.function = function
        // A candidate that has taken over stays while the registry is being told so.
        let current = deployment.latest.function
        // Code that was registered anew may lie in the same place; whoever tries it takes it over by itself.
        let isAnew =
            !tryingNewCode && function.candidate == nil && deployment.modified != function.lastModified
        if current != function.definition && current != function.candidate || isAnew {
            changes.ended.append(deployment.latest)
            deployment.latest = makePool(function, function.definition)
        }
        if function.candidate == nil { deployment.modified = function.lastModified }
        let numbers = Set(function.versions.map(\.number))
        for (number, pool) in deployment.versions where !numbers.contains(number) {
            deployment.versions[number] = nil
            changes.ended.append(pool)
        }
        for pool in deployment.pools {
            pool.setConcurrencyLimit(Self.concurrencyLimit(function, pool.function))
        }
        state.deployments[function.name] = deployment

        guard tryingNewCode, function.candidate != nil || function.state == .pending,
            state.trying.insert(function.revisionID).inserted
        else { return }
        let pool = function.candidate.map { makePool(function, $0) } ?? deployment.latest
        changes.trials.append(Trial(function: function, pool: pool))
    }

    private func makePool(
        _ function: RegisteredFunction,
        _ definition: FunctionDefinition,
        version: FunctionQualifier = .latest
    ) -> HandlerPool {
        HandlerPool(
            function: definition,
            settings: settings,
            version: version,
            concurrencyLimit: Self.concurrencyLimit(function, definition)
        )
    }

    private static func concurrencyLimit(_ function: RegisteredFunction, _ definition: FunctionDefinition)
        -> Int
    {
        function.reservedConcurrency ?? definition.concurrencyLimit
    }

    /// The trial of a revision is over.
    func noteTried(_ revision: String) {
        state.withLock { _ = $0.trying.remove(revision) }
    }

    /// Puts the candidate's processes in the place of those that run.
    ///
    /// - Returns: What is to be ended: the processes before, or the candidate's own when it is not wanted any more.
    func takeOver(_ trial: Trial) -> HandlerPool {
        state.withLock { state in
            let name = trial.function.name
            guard !state.isShutDown, let deployment = state.deployments[name],
                deployment.function.revisionID == trial.function.revisionID
            else { return trial.pool }
            state.deployments[name]?.latest = trial.pool
            return deployment.latest
        }
    }

    /// Ends every process; batches in flight finish or time out.
    func shutDown() async {
        let deployments = state.withLock { state in
            state.isShutDown = true
            defer { state.deployments = [:] }
            return state.deployments.values.flatMap(\.pools)
        }
        await withDiscardingTaskGroup { group in
            for pool in deployments { group.addTask { await pool.shutDown(within: pool.function.timeout) } }
        }
    }
}

// MARK: - Who asks

extension Deployments {
    /// The processes that serve a function under a qualifier; throws why there are none.
    func pool(of name: FunctionName, _ qualifier: FunctionQualifier?) throws(HandlerUnavailable)
        -> HandlerPool
    {
        let found = state.withLock { state -> Result<HandlerPool, HandlerUnavailable> in
            guard let deployment = state.deployments[name],
                let target = deployment.function.definition(for: qualifier)
            else {
                let missing =
                    qualifier.map { "version or alias \($0) of function \(name)" } ?? "function \(name)"
                // Registered a moment ago or removed: whoever asks again soon learns which.
                return .failure(HandlerUnavailable(.throttled, reason: "\(missing) is not deployed"))
            }
            guard let number = target.version.versionNumber else { return .success(deployment.latest) }
            if let pool = deployment.versions[number] { return .success(pool) }
            let pool = makePool(deployment.function, target.definition, version: target.version)
            state.deployments[name]?.versions[number] = pool
            return .success(pool)
        }
        return try found.get()
    }

    /// The processes of a function's latest code.
    func latest(_ name: FunctionName) -> HandlerPool? {
        state.withLock { $0.deployments[name]?.latest }
    }

    var pools: [HandlerPool] { state.withLock { $0.deployments.values.flatMap(\.pools) } }
}

/// A function as a mapping invokes it: whatever code serves the name at that moment.
struct DeployedFunction: HandlerTransport {
    let name: FunctionName
    let qualifier: FunctionQualifier?
    let deployments: Deployments

    func invoke(_ invocation: Invocation) async -> InvocationResult {
        await withPool(refused: { InvocationResult(.notInvoked($0)) }) { pool in
            let result = await pool.invoke(invocation)
            guard case .notInvoked = result.outcome else { return (result, wasInvoked: true) }
            return (result, wasInvoked: false)
        }
    }

    func invoke(_ payload: PayloadInvocation) async -> PayloadResult {
        let version = qualifier ?? .latest
        return await withPool(
            refused: { PayloadResult(.notInvoked($0), executedVersion: version, logTail: "") },
            { pool in
                let result = await pool.invoke(payload: payload)
                guard case .notInvoked = result.outcome else { return (result, wasInvoked: true) }
                return (result, wasInvoked: false)
            }
        )
    }

    /// Uses the processes of the moment; a pool that was replaced before it took the call has not had it, and the
    /// one in its place gets it.
    private func withPool<Result>(
        refused: (HandlerUnavailable) -> Result,
        _ body: (HandlerPool) async -> (Result, wasInvoked: Bool)
    ) async -> Result {
        do throws(HandlerUnavailable) {
            var pool = try deployments.pool(of: name, qualifier)
            while true {
                let (result, wasInvoked) = await body(pool)
                let current = try deployments.pool(of: name, qualifier)
                guard !wasInvoked, current !== pool, !Task.isCancelled else { return result }
                pool = current
            }
        } catch {
            return refused(error)
        }
    }
}
