/// Tells who sent a request, by its Signature Version 4, and refuses what nobody with a key has signed.
///
/// The same request may come twice while it counts, as on AWS; a changed one is another request. Nothing is kept of the
/// requests that were verified.
package struct SignatureVerifier: Sendable {
    /// How far a signer's clock may be from ours.
    package static let maximumSkewSeconds: Int64 = 900

    private let region: String
    private let keys: @Sendable (_ id: String) -> AccessKey?
    private let now: @Sendable () -> SigningTime

    /// - Parameters:
    ///   - region: The host's own; signatures are for one region.
    ///   - keys: The key of an id, as of now.
    package init(
        region: String,
        keys: @escaping @Sendable (_ id: String) -> AccessKey?,
        now: @escaping @Sendable () -> SigningTime
    ) {
        self.region = region
        self.keys = keys
        self.now = now
    }

    /// A request whose head is in order, and whose signature can be checked once its body is there.
    package struct Claim: Sendable {
        fileprivate let request: IncomingRequest
        fileprivate let signature: RequestSignature
        fileprivate let key: AccessKey
        fileprivate let isPayloadSigned: Bool

        package func covers(header name: String) -> Bool { signature.signedHeaders.contains(name) }
    }

    /// Refuses what can be refused before the body has been read.
    package func claim(
        of request: IncomingRequest,
        for operation: CalledOperation
    ) throws(AccessRefusal) -> Claim {
        let signature = try RequestSignature(of: request)
        try refuseSessionToken(request)
        guard let key = keys(signature.keyID) else {
            throw AccessRefusal(
                .unrecognizedClient,
                "The security token included in the request is invalid: this host has no key \(signature.keyID.prefix(128))."
            )
        }
        try checkScope(signature, operation)
        try checkTime(signature)
        try checkSignedHeaders(signature, request)
        return Claim(
            request: request,
            signature: signature,
            key: key,
            isPayloadSigned: try isPayloadSigned(request)
        )
    }

    /// Checks the signature over head and body.
    ///
    /// - Returns: Whose request it is.
    package func verify(_ claim: Claim, body: UnsafeRawBufferPointer) throws(AccessRefusal) -> AccessKey {
        let hash: String
        if claim.isPayloadSigned {
            hash = Digest.hexadecimal(Digest.sha256(body))
            if let stated = Self.statedHash(of: claim.request), stated != hash {
                throw AccessRefusal(
                    .invalidSignature,
                    "The body is not the one that was signed: its hash differs from X-Amz-Content-Sha256."
                )
            }
        } else {
            // A body that anybody on the way could change counts only where nobody can.
            guard claim.request.isEncrypted || (claim.signature.isPresigned && body.isEmpty) else {
                throw AccessRefusal(
                    .invalidSignature,
                    "\(Self.unsignedPayload) is accepted over TLS only, or from a presigned URL without a body."
                )
            }
            hash = Self.unsignedPayload
        }
        let expected = Self.signature(of: claim, payloadHash: hash)
        guard Digest.isEqual(expected, claim.signature.signature) else {
            throw AccessRefusal(
                .invalidSignature,
                "The request signature we calculated does not match the signature you provided. Check your AWS "
                    + "Secret Access Key and signing method. Consult the service documentation for details."
            )
        }
        return claim.key
    }

    private static func signature(of claim: Claim, payloadHash: String) -> String {
        let signature = claim.signature
        let canonical = CanonicalRequest(
            claim.request,
            signedHeaders: signature.signedHeaders,
            payloadHash: payloadHash
        )
        let toSign = [
            RequestSignature.algorithm, signature.time.description, signature.scope,
            Digest.hexadecimal(Digest.sha256(canonical.text)),
        ]
        let key = signature.scope.split(separator: "/").reduce(Array("AWS4\(claim.key.secret)".utf8)) {
            Digest.hmac(String($1), key: $0)
        }
        return Digest.hexadecimal(Digest.hmac(toSign.joined(separator: "\n"), key: key))
    }
}

extension SignatureVerifier {
    private static let unsignedPayload = "UNSIGNED-PAYLOAD"

    private func refuseSessionToken(_ request: IncomingRequest) throws(AccessRefusal) {
        let name = "X-Amz-Security-Token"
        guard request.values(of: name.lowercased()).isEmpty,
            QueryParameters(request.query).values(of: name).isEmpty
        else {
            throw AccessRefusal(
                .unrecognizedClient,
                "The security token included in the request is invalid: this host issues no temporary credentials; "
                    + "unset AWS_SESSION_TOKEN."
            )
        }
    }

    private func checkScope(
        _ signature: RequestSignature,
        _ operation: CalledOperation
    ) throws(AccessRefusal) {
        guard signature.region == region else {
            throw AccessRefusal(
                .invalidSignature,
                "Credential should be scoped to a valid region: '\(region)', not '\(signature.region.prefix(64))'."
            )
        }
        guard signature.service == operation.api.service else {
            throw AccessRefusal(
                .invalidSignature,
                "Credential should be scoped to correct service: '\(operation.api.service)'."
            )
        }
        guard signature.scopeDay == signature.time.day else {
            throw AccessRefusal(
                .invalidSignature,
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
                    + "'\(signature.scopeDay.prefix(64))' != '\(signature.time.day)', from '\(signature.time)'."
            )
        }
    }

    private func checkTime(_ signature: RequestSignature) throws(AccessRefusal) {
        let now = now()
        let skew = Self.maximumSkewSeconds
        guard signature.time.secondsSince1970 <= now.secondsSince1970 + skew else {
            throw AccessRefusal(
                .invalidSignature,
                "Signature not yet current: \(signature.time) is still later than \(now.advanced(by: skew)) "
                    + "(\(now) + \(skew / 60) min.)"
            )
        }
        let lifetime = signature.expirySeconds ?? skew
        guard now.secondsSince1970 <= signature.time.secondsSince1970 + lifetime else {
            throw AccessRefusal(
                .invalidSignature,
                "Signature expired: \(signature.time) is now earlier than \(now.advanced(by: -lifetime)) "
                    + "(\(now) - \(signature.isPresigned ? "\(lifetime) s" : "\(skew / 60) min."))"
            )
        }
    }

    /// A header that says what a request means, and is not signed, could have been put there by anybody.
    private func checkSignedHeaders(
        _ signature: RequestSignature,
        _ request: IncomingRequest
    ) throws(AccessRefusal) {
        var required: Set = ["host"]
        for header in request.headers {
            let isMeaning = header.name.hasPrefix("x-amz-")
            if isMeaning || (header.name == "content-type" && !signature.isPresigned) {
                required.insert(header.name)
            }
        }
        let unsigned = required.subtracting(signature.signedHeaders).sorted()
        guard unsigned.isEmpty else {
            throw AccessRefusal(
                .invalidSignature,
                "These headers are in the request and must be signed: \(unsigned.joined(separator: ", ").prefix(512))."
            )
        }
        let absent = signature.signedHeaders.filter { request.values(of: $0).isEmpty }
        guard absent.isEmpty else {
            throw AccessRefusal(
                .invalidSignature,
                "These headers were signed and are missing: \(absent.joined(separator: ", ").prefix(512))."
            )
        }
    }

    private func isPayloadSigned(_ request: IncomingRequest) throws(AccessRefusal) -> Bool {
        guard let stated = Self.statedHash(of: request) else { return true }
        guard !stated.hasPrefix("STREAMING-") else {
            throw AccessRefusal(
                .invalidSignature,
                "X-Amz-Content-Sha256 \(stated.prefix(64)) is not supported: sign the body as a whole."
            )
        }
        return stated != Self.unsignedPayload
    }

    /// What the request says its payload's hash is, in a header that must be signed or in the signed query.
    private static func statedHash(of request: IncomingRequest) -> String? {
        let name = "X-Amz-Content-Sha256"
        return request.values(of: name.lowercased()).first
            ?? QueryParameters(request.query).values(of: name).first
    }
}
