import Foundation
import HTTPTypes
package import Hummingbird
import NIOCore

/// The HTTP side of CloudWatch Logs' API: requests in, responses out.
///
/// One endpoint serves several APIs, so this one says which requests are its own.
package struct LogsEndpoint: Sendable {
    private static let targetPrefix = "Logs_20140328."
    private static let json = "application/x-amz-json-1.1"
    /// More than any valid request: its longest part is a hundred names of streams.
    private static let maximumBodyBytes = 256 << 10

    private let service: LogsService

    package init(_ service: LogsService) {
        self.service = service
    }

    /// Whether the request is for this API, by its `X-Amz-Target`.
    package static func handles(_ request: Request) -> Bool {
        request.headers[.amzTarget]?.hasPrefix(targetPrefix) == true
    }

    /// Answers a request that `handles` claimed.
    package func respond(to request: Request) async throws -> Response {
        let operation = request.headers[.amzTarget]?.dropFirst(Self.targetPrefix.count) ?? ""
        var body = Data()
        for try await chunk in request.body {
            guard body.count + chunk.readableBytes <= Self.maximumBodyBytes else {
                let error = LogsError(
                    .invalidParameter,
                    "The request exceeds \(Self.maximumBodyBytes) bytes."
                )
                return response(LogsAnswer(error), status: .contentTooLarge)
            }
            body.append(contentsOf: chunk.readableBytesView)
        }
        return response(service.handle(String(operation), body: body))
    }

    private func response(_ answer: LogsAnswer, status: HTTPResponse.Status? = nil) -> Response {
        var headers = HTTPFields()
        headers[.contentType] = Self.json
        headers[.amznRequestID] = UUID().uuidString.lowercased()
        if let errorType = answer.errorType { headers[.amznErrorType] = errorType }
        return Response(
            status: status ?? HTTPResponse.Status(code: answer.status),
            headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: answer.body))
        )
    }
}

extension HTTPField.Name {
    fileprivate static let amzTarget = name("X-Amz-Target")
    fileprivate static let amznRequestID = name("x-amzn-RequestId")
    fileprivate static let amznErrorType = name("x-amzn-ErrorType")

    private static func name(_ literal: String) -> HTTPField.Name {
        guard let name = HTTPField.Name(literal) else {
            preconditionFailure("a literal header name follows the rules of HTTP")
        }
        return name
    }
}
