import Foundation
import HTTPTypes
package import Hummingbird
import KinesisWire
import NIOCore
import StreamCore

/// The HTTP side of the Kinesis API: requests in, responses out.
///
/// One endpoint serves several APIs, so this one says which requests are its own.
package struct KinesisEndpoint: Sendable {
    private static let targetPrefix = "Kinesis_20131202."

    private let service: KinesisService

    package init(_ service: KinesisService) {
        self.service = service
    }

    /// Whether the request is for this API, by its `X-Amz-Target`.
    package static func handles(_ request: Request) -> Bool {
        request.headers[.amzTarget]?.hasPrefix(targetPrefix) == true
    }

    /// Answers a request that `handles` claimed.
    package func respond(to request: Request) async throws -> Response {
        let operation = request.headers[.amzTarget]?.dropFirst(Self.targetPrefix.count) ?? ""
        let contentType = request.headers[.contentType]
        guard let format = contentType.flatMap(WireFormat.init(contentType:)) else {
            let known = WireFormat.allCases.map(\.rawValue).joined(separator: " or ")
            return response(
                KinesisAnswer(
                    KinesisError(
                        .serialization,
                        "\(contentType ?? "a missing Content-Type") is not supported by this version: send \(known)"
                    ),
                    .json
                ),
                .json
            )
        }
        guard let body = try await collectBody(of: request) else {
            return response(
                KinesisAnswer(
                    KinesisError(
                        .invalidArgument,
                        "The request exceeds \(KinesisLimits.requestBytes) bytes."
                    ),
                    format
                ),
                format,
                status: .contentTooLarge
            )
        }
        guard operation == KinesisOperation.subscribeToShard.rawValue else {
            return response(await service.handle(String(operation), body: body, format: format), format)
        }
        return switch service.subscribe(body, format) {
        case .success(let subscription): response(subscription)
        case .failure(let error): response(KinesisAnswer(error, format), format)
        }
    }

    /// The whole body in one buffer, without a copy when it arrived in one piece.
    ///
    /// - Returns: `nil` when it is larger than any valid request.
    private func collectBody(of request: Request) async throws -> ByteBuffer? {
        let announcedBytes = request.headers[.contentLength].flatMap { Int($0) } ?? 0
        guard announcedBytes <= KinesisLimits.requestBytes else { return nil }
        var body = ByteBuffer()
        for try await chunk in request.body {
            guard body.readableBytes + chunk.readableBytes <= KinesisLimits.requestBytes else { return nil }
            if body.readableBytes == 0 {
                if chunk.readableBytes >= announcedBytes {
                    body = chunk
                    continue
                }
                body = ByteBufferAllocator().buffer(capacity: announcedBytes)
            }
            body.writeImmutableBuffer(chunk)
        }
        return body
    }

    private func response(_ subscription: ShardSubscription) -> Response {
        Response(
            status: .ok,
            headers: [
                .contentType: ShardSubscription.contentType,
                .amznRequestID: UUID().uuidString.lowercased(),
            ],
            body: ResponseBody { writer in
                try await subscription.run { try await writer.write($0) }
                try await writer.finish(nil)
            }
        )
    }

    private func response(
        _ answer: KinesisAnswer,
        _ format: WireFormat,
        status: HTTPResponse.Status? = nil
    ) -> Response {
        var headers = HTTPFields()
        headers[.contentType] = format.rawValue
        headers[.amznRequestID] = UUID().uuidString.lowercased()
        if let errorType = answer.errorType { headers[.amznErrorType] = errorType }
        return Response(
            status: status ?? HTTPResponse.Status(code: answer.status),
            headers: headers,
            body: ResponseBody(byteBuffer: answer.body)
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
