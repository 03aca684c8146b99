import AccessControl
import EndpointServer
import Foundation
import HTTPTypes
import Hummingbird
import KinesisAPI
import KinesisWire
import LambdaAPI
import LogsAPI
import ManagementAPI
import NIOCore

/// The one endpoint of a host: told apart by X-Amz-Target and path, every request goes to the API it is meant
/// for.
struct Endpoint: HTTPResponder {
    let kinesis: KinesisEndpoint
    let lambda: LambdaEndpoint
    let logs: LogsEndpoint
    let management: ManagementService
    let listen: ListenAddress
    /// `nil` without credentials: then whoever reaches the endpoint is served, but no web page.
    let gate: AccessGate?

    /// More than any valid management call, which names a folder at most.
    private static let maximumManagementBodyBytes = 1024 * 1024

    func respond(to request: Request, context: BasicRequestContext) async throws -> Response {
        let operation = CalledOperation(
            method: request.method.rawValue,
            path: request.uri.path,
            target: HTTPField.Name("X-Amz-Target").flatMap { request.headers[$0] }
        )
        guard let gate else {
            if let refusal = refuseBrowser(request) { return refusal }
            return try await respond(to: request, calling: operation)
        }
        let decision = try await gate.decide(
            on: request,
            calling: operation,
            maximumBodyBytes: Self.maximumBodyBytes(of: operation.api)
        )
        return switch decision {
        case .admitted(let verified): try await respond(to: verified, calling: operation)
        case .refused(let refusal): refusal
        }
    }

    /// Hands an admitted request to its API: the one that it was admitted to, whatever else its head says.
    private func respond(to request: Request, calling operation: CalledOperation) async throws -> Response {
        switch operation.api {
        case .kinesis: try await kinesis.respond(to: request)
        case .lambda: try await lambda.respond(to: request)
        case .logs: try await logs.respond(to: request)
        case .management where request.uri.path.hasPrefix(ManagementService.root): try await manage(request)
        case .management:
            plain(
                .notFound,
                """
                no such call; this endpoint serves the Kinesis, Lambda and CloudWatch Logs APIs and \
                \(ManagementService.root)
                """
            )
        }
    }

    private static func maximumBodyBytes(of api: CalledAPI) -> Int {
        switch api {
        case .kinesis: KinesisLimits.requestBytes
        case .lambda: LambdaEndpoint.maximumBodyBytes
        case .logs, .management: maximumManagementBodyBytes
        }
    }

    private func manage(_ request: Request) async throws -> Response {
        var request = request
        let answer: ManagementService.Answer
        do {
            let body = try await request.collectBody(upTo: Self.maximumManagementBodyBytes)
            answer = await management.handle(
                method: request.method.rawValue,
                path: request.uri.path,
                query: Dictionary(
                    request.uri.queryParameters.map { (String($0.key), String($0.value)) },
                    uniquingKeysWith: { $1 }
                ),
                body: Data(body.readableBytesView)
            )
        } catch is NIOTooManyBytesError {
            answer = ManagementService.refusal(
                413,
                ["the body exceeds \(Self.maximumManagementBodyBytes) bytes"]
            )
        }
        return Response(
            status: HTTPResponse.Status(code: answer.status),
            headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: answer.body))
        )
    }

    /// Whoever reaches the endpoint can run code; a web page that the user happens to visit is not to.
    private func refuseBrowser(_ request: Request) -> Response? {
        if request.headers[.origin] != nil {
            return plain(.forbidden, "requests from web pages (with an Origin header) are refused")
        }
        guard let authority = request.head.authority else { return nil }
        // A name that resolves to this machine is not enough: that is how DNS rebinding gets here.
        let host = ListenAddress(argument: authority)?.host ?? authority
        guard host == listen.host || ListenAddress(host: host, port: 0).isLoopback else {
            return plain(.forbidden, "requests for the foreign host \(authority) are refused")
        }
        return nil
    }

    private func plain(_ status: HTTPResponse.Status, _ text: String) -> Response {
        Response(
            status: status,
            headers: [.contentType: "text/plain; charset=utf-8"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text + "\n"))
        )
    }
}
