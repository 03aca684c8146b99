import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import ServiceLifecycle

/// A request as a server of a test got it.
struct ReceivedRequest: Hashable, Sendable {
    let method: String
    let path: String
    let host: String
    let target: String?
    let body: String
}

/// What a server of a test answers.
struct PreparedAnswer: Sendable {
    var status = 200
    var headers: [String: String] = [:]
    var body = ""
}

/// Runs a server that answers as `answer` says.
func withServer(
    answering answer: @escaping @Sendable (ReceivedRequest) async throws -> PreparedAnswer,
    _ body: @escaping @Sendable (_ url: String) async throws -> Void
) async throws {
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let (ports, announce) = AsyncStream.makeStream(of: Int.self)
    let application = Application(
        responder: CallbackResponder { (request: Request, _: BasicRequestContext) in
            let sent = try await request.body.collect(upTo: 1 << 24)
            let prepared = try await answer(
                ReceivedRequest(
                    method: request.method.rawValue,
                    path: request.uri.path,
                    host: request.head.authority ?? "",
                    target: HTTPField.Name("x-amz-target").flatMap { request.headers[$0] },
                    body: String(buffer: sent)
                )
            )
            var headers = HTTPFields()
            for (name, value) in prepared.headers {
                if let name = HTTPField.Name(name) { headers[name] = value }
            }
            return Response(
                status: HTTPResponse.Status(code: prepared.status),
                headers: headers,
                body: ResponseBody(byteBuffer: ByteBuffer(string: prepared.body))
            )
        },
        configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
        onServerRunning: { announce.yield($0.localAddress?.port ?? 0) },
        logger: logger
    )
    let services = ServiceGroup(services: [application], logger: logger)
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await services.run() }
        var iterator = ports.makeAsyncIterator()
        let port = await iterator.next() ?? 0
        let result: Result<Void, any Error>
        do {
            result = .success(try await body("http://127.0.0.1:\(port)"))
        } catch {
            result = .failure(error)
        }
        await services.triggerGracefulShutdown()
        try await group.waitForAll()
        try result.get()
    }
}
