import Foundation
import HTTPTypes
import Hummingbird
import KinesisAPI
import ManagementAPI
import NIOCore

/// The one endpoint of a host: told apart by X-Amz-Target and path, every request goes to the API it is meant
/// for.
struct Endpoint: HTTPResponder {
    let kinesis: KinesisEndpoint
    let management: ManagementService
    let listen: ListenAddress

    /// More than any valid management call, which names a folder at most.
    private static let maximumManagementBodyBytes = 1024 * 1024

    func respond(to request: Request, context: BasicRequestContext) async throws -> Response {
        if let refusal = refuseBrowser(request) { return refusal }
        if KinesisEndpoint.handles(request) { return try await kinesis.respond(to: request) }
        if request.uri.path.hasPrefix(ManagementService.root) { return try await manage(request) }
        return plain(
            .notFound,
            "no such call; this endpoint serves the Kinesis API and \(ManagementService.root)"
        )
    }

    private func manage(_ request: Request) async throws -> Response {
        var request = request
        let answer: ManagementService.Answer
        do {
            let body = try await request.collectBody(upTo: Self.maximumManagementBodyBytes)
            answer = await management.handle(
                method: request.method.rawValue,
                path: request.uri.path,
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
