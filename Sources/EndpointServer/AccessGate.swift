package import AccessControl
import Foundation
import HTTPTypes
package import Hummingbird
import NIOCore

/// The door of a host that has credentials: lets in what somebody with a key has signed and may call.
package struct AccessGate: Sendable {
    private let verifier: SignatureVerifier
    private let isEncrypted: Bool
    private let unverified: UnverifiedBodies

    /// - Parameters:
    ///   - isEncrypted: Requests come over TLS.
    ///   - maximumUnverifiedBytes: Of all bodies together whose signatures are not verified yet.
    package init(
        verifier: SignatureVerifier,
        isEncrypted: Bool,
        maximumUnverifiedBytes: Int = 256 * 1024 * 1024
    ) {
        self.verifier = verifier
        self.isEncrypted = isEncrypted
        unverified = UnverifiedBodies(maximumBytes: maximumUnverifiedBytes)
    }

    package enum Decision: Sendable {
        /// The request with its body in one piece.
        case admitted(Request)
        case refused(Response)
    }

    /// Verifies a request, and reads its body for that.
    ///
    /// - Throws: What reading the body throws.
    package func decide(
        on request: Request,
        calling operation: CalledOperation,
        maximumBodyBytes: Int
    ) async throws -> Decision {
        do {
            let claim = try verifier.claim(of: incoming(request), for: operation)
            // Browsers cannot sign; who signs its Origin is no browser.
            if request.headers[.origin] != nil, !claim.covers(header: "origin") {
                throw AccessRefusal(
                    .accessDenied,
                    "requests from web pages (with an Origin header that is not signed) are refused"
                )
            }
            let body = try await collectBody(of: request, upTo: maximumBodyBytes)
            let key = try body.withUnsafeReadableBytes { bytes throws(AccessRefusal) in
                try verifier.verify(claim, body: bytes)
            }
            guard key.role.allows(operation) else {
                throw AccessRefusal(
                    .accessDenied,
                    "The key \(key) is not authorized to perform: \(operation.api.service):\(operation.name), "
                        + "because its role is \(key.role.rawValue)"
                )
            }
            var verified = request
            verified.body = RequestBody(buffer: body)
            return .admitted(verified)
        } catch let refusal as AccessRefusal {
            return .refused(Self.response(to: refusal, of: operation.api))
        }
    }

    private func incoming(_ request: Request) -> IncomingRequest {
        var headers = request.headers.map { (name: $0.name.canonicalName, value: $0.value) }
        headers.removeAll { $0.name == "host" }
        // What HTTP/1.1 calls Host is kept apart from the other fields.
        if let host = request.head.authority { headers.append((name: "host", value: host)) }
        return IncomingRequest(
            method: request.method.rawValue,
            target: request.head.path ?? "/",
            headers: headers,
            isEncrypted: isEncrypted
        )
    }

    /// The whole body in one buffer, without a copy when it arrived in one piece.
    ///
    /// - Throws: `AccessRefusal` when it is larger than any valid request, or there is no room for it now.
    private func collectBody(of request: Request, upTo maximumBytes: Int) async throws -> ByteBuffer {
        let tooLarge = AccessRefusal(.tooLarge, "The body exceeds \(maximumBytes) bytes.")
        let announcedBytes = request.headers[.contentLength].flatMap { Int($0) } ?? 0
        guard announcedBytes <= maximumBytes else { throw tooLarge }
        var body = ByteBuffer()
        var reservedBytes = 0
        defer { unverified.release(reservedBytes) }
        for try await chunk in request.body {
            guard body.readableBytes + chunk.readableBytes <= maximumBytes else { throw tooLarge }
            guard unverified.reserve(chunk.readableBytes) else {
                throw AccessRefusal(.overloaded, "Too many large requests at once: try again in a moment.")
            }
            reservedBytes += chunk.readableBytes
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

    private static func response(to refusal: AccessRefusal, of api: CalledAPI) -> Response {
        var headers: HTTPFields = [.contentType: AccessRefusal.contentType(of: api)]
        for (name, value) in [
            ("x-amzn-ErrorType", refusal.kind.rawValue), ("x-amzn-RequestId", UUID().uuidString.lowercased()),
        ] {
            if let name = HTTPField.Name(name) { headers[name] = value }
        }
        return Response(
            status: HTTPResponse.Status(code: refusal.status(of: api)),
            headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: refusal.body(of: api)))
        )
    }
}
