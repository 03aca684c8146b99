@testable import AccessControl

/// Signs requests as a client does, right or wrong.
struct Signer {
    static let key = AccessKey(
        id: "MRTESTTESTTESTTEST22",
        secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
        role: .admin
    )

    var keyID = key.id
    var secret = key.secret
    var time = SigningTime(secondsSince1970: 1_700_000_000)
    var scopeDay: String?
    var region = "us-east-1"
    var service = "kinesis"
    var method = "POST"
    var target = "/"
    var headers: [(name: String, value: String)] = [
        ("host", "127.0.0.1:4600"), ("content-type", "application/x-amz-json-1.1"),
        ("x-amz-target", "Kinesis_20131202.PutRecord"),
    ]
    /// Sent and not signed.
    var unsignedHeaders: [(name: String, value: String)] = []
    var payloadHash: String?
    var isEncrypted = false

    func signedInHeader(body: String = "{}") -> IncomingRequest {
        let all = headers + [(name: "x-amz-date", value: time.description)]
        let names = Set(all.map(\.name)).sorted()
        let signature = sign(request(target, all), names, body)
        let authorization =
            "AWS4-HMAC-SHA256 Credential=\(keyID)/\(scope), SignedHeaders=\(names.joined(separator: ";")), "
            + "Signature=\(signature)"
        return request(target, all + unsignedHeaders + [(name: "authorization", value: authorization)])
    }

    func presigned(expirySeconds: Int = 60, body: String = "") -> IncomingRequest {
        let names = Set(headers.map(\.name)).sorted()
        let parameters = [
            "X-Amz-Algorithm=AWS4-HMAC-SHA256",
            "X-Amz-Credential=\(keyID)/\(scope)".split(separator: "/").joined(separator: "%2F"),
            "X-Amz-Date=\(time)", "X-Amz-Expires=\(expirySeconds)",
            "X-Amz-SignedHeaders=\(names.joined(separator: "%3B"))",
        ]
        let unsigned = target + (target.contains("?") ? "&" : "?") + parameters.joined(separator: "&")
        let signature = sign(request(unsigned, headers), names, body)
        return request("\(unsigned)&X-Amz-Signature=\(signature)", headers + unsignedHeaders)
    }

    private var scope: String { "\(scopeDay ?? time.day)/\(region)/\(service)/aws4_request" }

    private func request(_ target: String, _ headers: [(name: String, value: String)]) -> IncomingRequest {
        IncomingRequest(method: method, target: target, headers: headers, isEncrypted: isEncrypted)
    }

    private func sign(_ request: IncomingRequest, _ names: [String], _ body: String) -> String {
        let canonical = CanonicalRequest(
            request,
            signedHeaders: names,
            payloadHash: payloadHash ?? Digest.hexadecimal(Digest.sha256(body))
        )
        let text = [
            "AWS4-HMAC-SHA256", time.description, scope, Digest.hexadecimal(Digest.sha256(canonical.text)),
        ]
        let key = scope.split(separator: "/").reduce(Array("AWS4\(secret)".utf8)) {
            Digest.hmac(String($1), key: $0)
        }
        return Digest.hexadecimal(Digest.hmac(text.joined(separator: "\n"), key: key))
    }
}

extension SignatureVerifier {
    /// Knows one key, in us-east-1.
    static func knowing(
        _ key: AccessKey,
        at time: SigningTime = SigningTime(secondsSince1970: 1_700_000_000)
    ) -> SignatureVerifier {
        SignatureVerifier(region: "us-east-1", keys: { $0 == key.id ? key : nil }, now: { time })
    }

    func verify(
        _ request: IncomingRequest,
        body: String = "{}",
        as operation: CalledOperation = CalledOperation(
            method: "POST",
            path: "/",
            target: "Kinesis_20131202.PutRecord"
        )
    ) throws -> AccessKey {
        let claim = try claim(of: request, for: operation)
        return try Array(body.utf8).withUnsafeBytes { try verify(claim, body: $0) }
    }
}
