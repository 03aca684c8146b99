import AWSClient
import HTTPTypes
import Hummingbird
import NIOCore
import ServerSupport
import Synchronization

/// Stands between a store and DynamoDB, and does to calls what a test says.
final class FaultyService: Sendable {
    enum Fate: Sendable {
        case carriedOut
        /// DynamoDB does it, and the answer is lost.
        case answerLost
        /// Nobody answers, and DynamoDB gets it when the test says so.
        case late
        case refused(status: Int, body: String)
        /// Something happens, and DynamoDB does not answer.
        case unanswered(after: @Sendable () async throws -> Void)

        static func error(_ type: String, status: Int = 400, _ rest: String = "") -> Fate {
            .refused(
                status: status,
                body: "{\"__type\":\"com.amazonaws.dynamodb.v20120810#\(type)\","
                    + "\"message\":\"as the test says\"\(rest)}"
            )
        }
    }

    private struct State {
        var fates: [(operation: String, fate: Fate)] = []
        var calls: [String] = []
        var late: [ClientRequest] = []
        var inFlight = 0
        var mostInFlight = 0
    }

    private let target: String
    private let http = HTTPClient(limits: .patient)
    private let state = Mutex(State())

    init(before target: String) { self.target = target }

    /// The next call of this operation meets this fate, and the one after it the next.
    func next(_ operation: String, _ fates: Fate...) {
        state.withLock { $0.fates += fates.map { (operation, $0) } }
    }

    func calls(of operation: String) -> Int { state.withLock { $0.calls.filter { $0 == operation }.count } }
    var mostInFlight: Int { state.withLock(\.mostInFlight) }

    /// Lets DynamoDB have what is late.
    func deliverLate() async throws {
        let late = state.withLock { state in
            defer { state.late = [] }
            return state.late
        }
        for request in late { _ = try await http.send(request) }
    }

    fileprivate func answer(_ headers: [(name: String, value: String)], _ operation: String, _ body: [UInt8])
        async throws -> (status: Int, body: [UInt8])
    {
        let fate = state.withLock { state -> Fate in
            state.calls.append(operation)
            state.inFlight += 1
            state.mostInFlight = max(state.mostInFlight, state.inFlight)
            guard let place = state.fates.firstIndex(where: { $0.operation == operation }) else {
                return .carriedOut
            }
            return state.fates.remove(at: place).fate
        }
        defer { state.withLock { $0.inFlight -= 1 } }
        if case .refused(let status, let body) = fate { return (status, Array(body.utf8)) }
        if case .unanswered(let happening) = fate {
            try await happening()
            return (500, Array("{\"__type\":\"InternalServerError\"}".utf8))
        }
        let request = ClientRequest(method: "POST", url: target + "/", headers: headers, body: body)
        if case .late = fate {
            state.withLock { $0.late.append(request) }
            return (500, Array("{\"__type\":\"InternalServerError\"}".utf8))
        }
        let response = try await http.send(request)
        if case .answerLost = fate { return (500, Array("{\"__type\":\"InternalServerError\"}".utf8)) }
        return (response.status, response.body)
    }
}

/// Runs the service in front of DynamoDB.
func withFaultyService(
    _ body: @escaping @Sendable (_ service: FaultyService, _ url: String) async throws -> Void
) async throws {
    let service = FaultyService(before: try await DynamoDB.url())
    let responder = CallbackResponder { (request: Request, _: BasicRequestContext) in
        let sent = try await request.body.collect(upTo: 1 << 25)
        let target = HTTPField.Name("x-amz-target").flatMap { request.headers[$0] } ?? ""
        let operation = target.split(separator: ".").last.map(String.init) ?? ""
        let names = ["x-amz-target", "content-type", "authorization", "x-amz-date"]
        let headers = names.compactMap { name in
            HTTPField.Name(name).flatMap { request.headers[$0] }.map { (name: name, value: $0) }
        }
        let answer = try await service.answer(headers, operation, Array(buffer: sent))
        return Response(
            status: HTTPResponse.Status(code: answer.status),
            headers: [.contentType: "application/x-amz-json-1.0"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: answer.body))
        )
    }
    try await withLoopbackServer(responder) { port in try await body(service, "http://127.0.0.1:\(port)") }
}
