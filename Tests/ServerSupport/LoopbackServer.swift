package import HummingbirdCore
package import Hummingbird
import Logging
import ServiceLifecycle

/// Runs a server on a free port of 127.0.0.1 while `body` runs, and ends it in order.
package func withLoopbackServer<Responder: HTTPResponder, Result: Sendable>(
    _ responder: Responder,
    server: HTTPServerBuilder = .http1(),
    _ body: @escaping @Sendable (_ port: Int) async throws -> Result
) async throws -> Result where Responder.Context: InitializableFromSource<ApplicationRequestContextSource> {
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let (ports, announce) = AsyncStream.makeStream(of: Int.self)
    let application = Application(
        responder: responder,
        server: server,
        configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
        onServerRunning: { announce.yield($0.localAddress?.port ?? 0) },
        logger: logger
    )
    let services = ServiceGroup(services: [application], logger: logger)
    return try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
            // A server that cannot start announces nothing.
            defer { announce.finish() }
            try await services.run()
        }
        var iterator = ports.makeAsyncIterator()
        let port = await iterator.next() ?? 0
        let result: Swift.Result<Result, any Error>
        do { result = .success(try await body(port)) } catch { result = .failure(error) }
        await services.triggerGracefulShutdown()
        try await group.waitForAll()
        return try result.get()
    }
}
