import Foundation
import HTTPTypes
package import Hummingbird
import NIOCore
import Synchronization

/// The HTTP side of Lambda's API: requests in, responses out.
///
/// One endpoint serves several APIs, so this one says which requests are its own.
package struct LambdaEndpoint: Sendable {
    /// What follows the date in the paths of the API.
    private static let resources: Set<Substring> = [
        "account-settings", "capacity-providers", "code-signing-configs", "durable-executions",
        "event-source-mappings", "functions", "layers", "tags",
    ]
    /// Bodies above this size count as uploads, of which only a few are in memory at a time.
    private static let uploadBytes = 8 * 1024 * 1024
    private static let maximumUploads = 3

    private let service: LambdaService
    private let uploads = Uploads()

    package init(_ service: LambdaService) {
        self.service = service
    }

    /// Whether the request is for this API, by its path: a date and a resource of Lambda.
    package static func handles(_ request: Request) -> Bool {
        let words = request.uri.path.split(separator: "/", maxSplits: 2)
        return words.count >= 2 && isDate(words[0]) && resources.contains(words[1])
    }

    private static func isDate(_ text: Substring) -> Bool {
        text.utf8.count == 10
            && zip(text.utf8, "dddd-dd-dd".utf8).allSatisfy { byte, form in
                form == UInt8(ascii: "-") ? byte == form : UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
            }
    }

    /// The largest body that any operation takes.
    package static let maximumBodyBytes = LambdaOperation.codeRequestBytes

    /// Answers a request that `handles` claimed.
    package func respond(to request: Request) async throws -> Response {
        let requestID = UUID().uuidString.lowercased()
        let path = request.uri.path
        let query = request.uri.query ?? ""
        let call = LambdaCall(method: request.method.rawValue, path: path, query: query)
        do {
            let answer = try await withBody(of: request, for: call?.operation) { body in
                await service.handle(
                    LambdaRequest(
                        method: request.method.rawValue,
                        path: path,
                        query: query,
                        headers: Dictionary(
                            request.headers.map { ($0.name.canonicalName, $0.value) }
                        ) { first, _ in first },
                        body: body,
                        requestID: requestID
                    )
                )
            }
            return response(answer, requestID)
        } catch let refusal as LambdaError {
            return response(LambdaAnswer(refusal), requestID)
        }
    }

    /// Reads the body and has the call carried out with it.
    private func withBody(
        of request: Request,
        for operation: LambdaOperation?,
        _ handle: ([UInt8]) async -> LambdaAnswer
    ) async throws -> LambdaAnswer {
        // Nothing is read for what is no operation.
        guard let operation else { return await handle([]) }
        let limit = operation.maximumBodyBytes
        let announced = request.headers[.contentLength].flatMap { Int($0) }
        guard announced ?? 0 <= limit else { throw operation.bodyTooLarge }
        guard limit > Self.uploadBytes, announced ?? limit > Self.uploadBytes else {
            return await handle(try await bytes(of: request, upTo: min(limit, announced ?? limit), operation))
        }
        return try await uploads.limited(to: Self.maximumUploads) {
            await handle(try await bytes(of: request, upTo: limit, operation))
        }
    }

    private func bytes(of request: Request, upTo limit: Int, _ operation: LambdaOperation) async throws
        -> [UInt8]
    {
        var body: [UInt8] = []
        for try await chunk in request.body {
            guard body.count + chunk.readableBytes <= limit else { throw operation.bodyTooLarge }
            body.append(contentsOf: chunk.readableBytesView)
        }
        return body
    }

    private func response(_ answer: LambdaAnswer, _ requestID: String) -> Response {
        var headers = HTTPFields()
        if !answer.body.isEmpty { headers[.contentType] = "application/json" }
        headers[.amznRequestID] = requestID
        for (name, value) in answer.headers {
            guard let name = HTTPField.Name(name) else { continue }
            headers[name] = value
        }
        return Response(
            status: HTTPResponse.Status(code: answer.status),
            headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: answer.body))
        )
    }
}

/// Counts the large bodies that are in memory.
private final class Uploads: Sendable {
    private let count = Mutex(0)

    func limited<Result: Sendable>(to limit: Int, _ body: () async throws -> Result) async throws -> Result {
        let isFree = count.withLock { count in
            guard count < limit else { return false }
            count += 1
            return true
        }
        guard isFree else {
            throw LambdaError(
                .tooManyRequests,
                "Rate Exceeded: \(limit) uploads are under way already",
                reason: "CallerRateLimitExceeded"
            )
        }
        defer { count.withLock { $0 -= 1 } }
        return try await body()
    }
}

extension HTTPField.Name {
    fileprivate static let amznRequestID = name("x-amzn-RequestId")

    private static func name(_ literal: String) -> HTTPField.Name {
        guard let name = HTTPField.Name(literal) else {
            preconditionFailure("a literal header name follows the rules of HTTP")
        }
        return name
    }
}
