import HTTPTypes
import Hummingbird
import NIOCore
import ServerSupport

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
    let responder = CallbackResponder { (request: Request, _: BasicRequestContext) in
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
    }
    try await withLoopbackServer(responder) { port in try await body("http://127.0.0.1:\(port)") }
}
