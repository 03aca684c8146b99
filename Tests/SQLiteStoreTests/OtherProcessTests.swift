import SQLiteStore
import StreamCore
import TestSupport
import Testing

/// Two registries on one data directory, as two processes have them.
@Suite(.timeLimit(.minutes(5)))
struct OtherProcessTests {
    private let clock = TestClock()

    private func withRegistries(
        _ body: (_ host: FunctionRegistry, _ worker: FunctionRegistry, SQLiteDatabase) async throws -> Void
    ) async throws {
        try await withDatabase { database, directory in
            let other = try SQLiteDatabase.patient(directory)
            try await body(FunctionRegistry(database), FunctionRegistry(other), other)
        }
    }

    @Test func `a change made by another process is heard of at the next look`() async throws {
        try await withRegistries { host, worker, _ in
            try await host.register([.named("orders", streams: ["first"])])
            var changes = worker.changes().makeAsyncIterator()
            await changes.next()
            let watching = Task { [clock] in await worker.watchOtherProcesses(clock: clock) }
            await clock.waitForSleepers()
            await changes.next()
            #expect(try await worker.functions().map(\.name) == ["orders"])

            try await host.register([.named("alerts", streams: ["first"])])
            clock.advance(by: FunctionRegistry.watchPeriod)
            await changes.next()

            #expect(try await worker.functions().map(\.name) == ["alerts", "orders"])
            watching.cancel()
            await watching.value
        }
    }

    @Test func `renewals, checkpoints and own changes are no changes of others`() async throws {
        try await withRegistries { host, worker, database in
            let mapping = try await host.mappings(of: .named("orders", streams: ["first"]))[0]
            let heard = Recorder<Int>()
            let listening = Task {
                var count = 0
                for await _ in worker.changes() {
                    count += 1
                    heard.append(count)
                }
            }
            await heard.wait(for: 1)
            let watching = Task { [clock] in await worker.watchOtherProcesses(clock: clock) }
            await heard.wait(for: 2)
            await clock.waitForSleepers()

            let store = SQLiteLeaseStore(database)
            let lease = try await store.acquired(0, of: mapping.id)
            _ = try await store.renew([lease])
            try await store.checkpoint(lease, at: .at(1))
            try await worker.noteCarriedOut(mapping, by: "worker-a")
            clock.advance(by: FunctionRegistry.watchPeriod)
            await clock.waitForSleepers()
            try await worker.settle("orders", revision: "none", startFailure: nil)
            _ = try await worker.removeMapping(mapping.id)
            await heard.wait(for: 3)
            clock.advance(by: FunctionRegistry.watchPeriod)
            await clock.waitForSleepers()
            try await host.remove("orders")
            clock.advance(by: FunctionRegistry.watchPeriod)
            await heard.wait(for: 4)

            #expect(heard.events == [1, 2, 3, 4])
            for task in [listening, watching] { task.cancel() }
            await watching.value
        }
    }

    @Test func `what each worker has carried out is kept until the mapping or the worker goes`() async throws
    {
        try await withRegistries { host, worker, database in
            let mapping = try await host.mappings(of: .named("orders", streams: ["first"]))[0]
            #expect(try await host.carriedOut(mapping.id).isEmpty)

            try await worker.noteCarriedOut(mapping, by: "worker-a")
            try await worker.noteCarriedOut(mapping, by: "worker-b")
            let changed = try await host.updateMapping(mapping.id)
            try await worker.noteCarriedOut(changed, by: "worker-b")

            #expect(
                try await host.carriedOut(mapping.id) == [
                    "worker-a": mapping.lastModified, "worker-b": changed.lastModified,
                ]
            )
            try await SQLiteWorkerStore(database).removeWorker("worker-a")
            #expect(try await host.carriedOut(mapping.id).keys.sorted() == ["worker-b"])
            try await host.remove("orders")
            try await worker.noteCarriedOut(changed, by: "worker-b")
            #expect(try await host.carriedOut(mapping.id).isEmpty)
        }
    }
}
