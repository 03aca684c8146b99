import AccessControl
import Hummingbird
import Logging
import ServiceLifecycle
import Synchronization

@testable import EndpointServer

/// A real server on a free port that answers every request with the number of bytes of its body, or as many as asked, or with
/// the host that it names.
struct TestServer: Sendable {
    let port: Int
    let connections: OpenConnections
    private let reports: Counter

    /// How often the limit of connections was reported.
    var reportCount: Int { reports.value.withLock(\.self) }

    private final class Counter: Sendable {
        let value = Mutex(0)
    }

    static func with<Result: Sendable>(
        _ limits: EndpointLimits,
        tls: TLSIdentity? = nil,
        gate: AccessGate? = nil,
        _ body: @escaping @Sendable (TestServer) async throws -> Result
    ) async throws -> Result {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let (ports, announce) = AsyncStream.makeStream(of: Int.self)
        let reports = Counter()
        let connections = OpenConnections(limit: limits.connections) {
            reports.value.withLock { $0 += 1 }
        }
        let application = Application(
            responder: CallbackResponder { (request: Request, _: BasicRequestContext) in
                try await respond(to: request, gate)
            },
            server: .endpoint(limits: limits, tls: tls, connections: connections),
            configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { announce.yield($0.localAddress?.port ?? 0) },
            logger: logger
        )
        let services = ServiceGroup(services: [application], logger: logger)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await services.run() }
            var iterator = ports.makeAsyncIterator()
            let port = await iterator.next() ?? 0
            let result: Swift.Result<Result, any Error>
            do {
                let server = TestServer(port: port, connections: connections, reports: reports)
                result = .success(try await body(server))
            } catch {
                result = .failure(error)
            }
            await services.triggerGracefulShutdown()
            try await group.waitForAll()
            return try result.get()
        }
    }

    private static func respond(to request: Request, _ gate: AccessGate?) async throws -> Response {
        var request = request
        if let gate {
            let operation = CalledOperation(
                method: request.method.rawValue,
                path: request.uri.path,
                target: nil
            )
            switch try await gate.decide(on: request, calling: operation, maximumBodyBytes: 1_000) {
            case .admitted(let verified): request = verified
            case .refused(let refusal): return refusal
            }
        }
        if let bytes = Int(request.uri.path.dropFirst()) {
            return Response(
                status: .ok,
                body: ResponseBody(byteBuffer: ByteBuffer(repeating: 0, count: bytes))
            )
        }
        if request.uri.path == "/host" {
            return Response(
                status: .ok,
                body: ResponseBody(byteBuffer: ByteBuffer(string: request.head.authority ?? ""))
            )
        }
        let body = try await request.body.collect(upTo: 1 << 24)
        return Response(
            status: .ok,
            body: ResponseBody(byteBuffer: ByteBuffer(string: "\(body.readableBytes)"))
        )
    }
}
