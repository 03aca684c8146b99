import Testing

@testable import AccessControl

/// What is verified, and the order in which the rules are stated in AWS's "Signature Version 4".
struct SignatureTests {
    @Test(arguments: PublishedVector.all)
    func `a request is canonical as AWS publishes it`(vector: PublishedVector) {
        let hash = Digest.hexadecimal(Digest.sha256(vector.body))
        let canonical = CanonicalRequest(
            vector.request,
            signedHeaders: vector.signedHeaders,
            payloadHash: hash
        )
        let scope = "20150830/us-east-1/service/aws4_request"
        let text = [
            "AWS4-HMAC-SHA256", PublishedVector.date, scope,
            Digest.hexadecimal(Digest.sha256(canonical.text)),
        ]
        let key = scope.split(separator: "/").reduce(Array("AWS4\(PublishedVector.secret)".utf8)) {
            Digest.hmac(String($1), key: $0)
        }

        let signature = Digest.hexadecimal(Digest.hmac(text.joined(separator: "\n"), key: key))

        #expect(signature == vector.signature, "\(canonical.text)")
    }

    @Test func `a path that came encoded is encoded once more`() {
        let request = IncomingRequest(
            method: "GET",
            target: "/2015-03-31/functions/arn%3Aaws%3Alambda/a:b?X=%2f&X=%FF&y",
            headers: [],
            isEncrypted: false
        )

        let lines = CanonicalRequest(request, signedHeaders: [], payloadHash: "").text.split(
            separator: "\n"
        )

        #expect(lines[1] == "/2015-03-31/functions/arn%253Aaws%253Alambda/a%3Ab")
        #expect(lines[2] == "X=%2F&X=%FF&y=")
    }

    @Test func `what a key signed in the header or the query is that key's, twice as well`() throws {
        let verifier = SignatureVerifier.knowing(Signer.key)
        var presigner = Signer()
        presigner.headers = [("host", "127.0.0.1:4600"), ("x-amz-target", "Kinesis_20131202.PutRecord")]

        for _ in 0..<2 {
            #expect(try verifier.verify(Signer().signedInHeader()) == Signer.key)
            #expect(try verifier.verify(presigner.presigned(body: "{}")) == Signer.key)
        }
    }

    @Test func `a changed body, header, path or query is not what was signed`() throws {
        let verifier = SignatureVerifier.knowing(Signer.key)
        let signed = Signer().signedInHeader()
        func changed(
            method: String = "POST",
            target: String = "/",
            header: (String, String)? = nil
        ) -> IncomingRequest {
            IncomingRequest(
                method: method,
                target: target,
                headers: signed.headers.map { $0.name == header?.0 ? ($0.name, header?.1 ?? "") : $0 },
                isEncrypted: false
            )
        }

        let refusals = [
            refusal { try verifier.verify(signed, body: #"{"a":1}"#) },
            refusal { try verifier.verify(changed(method: "PUT")) },
            refusal { try verifier.verify(changed(target: "/other")) },
            refusal { try verifier.verify(changed(target: "/?a=b")) },
            refusal {
                try verifier.verify(changed(header: ("x-amz-target", "Kinesis_20131202.DeleteStream")))
            },
            refusal { try verifier.verify(changed(header: ("host", "evil.example"))) },
        ]

        #expect(refusals.allSatisfy { $0?.kind == .invalidSignature })
        #expect(try verifier.verify(changed()) == Signer.key)
    }

    @Test func `a body that does not match the signed hash is refused by name`() {
        var signer = Signer()
        let hash = Digest.hexadecimal(Digest.sha256("{}"))
        signer.headers.append(("x-amz-content-sha256", hash))
        let verifier = SignatureVerifier.knowing(Signer.key)

        let changed = refusal { try verifier.verify(signer.signedInHeader(), body: "{ }") }

        #expect(changed?.message.contains("X-Amz-Content-Sha256") == true)
        #expect(refusal { try verifier.verify(signer.signedInHeader()) } == nil)
    }

    @Test func `an unsigned payload counts over TLS, or presigned without a body`() {
        var signer = Signer()
        signer.headers.append(("x-amz-content-sha256", "UNSIGNED-PAYLOAD"))
        signer.payloadHash = "UNSIGNED-PAYLOAD"
        let verifier = SignatureVerifier.knowing(Signer.key)

        #expect(refusal { try verifier.verify(signer.signedInHeader()) }?.kind == .invalidSignature)
        #expect(refusal { try verifier.verify(signer.presigned(), body: "{}") }?.kind == .invalidSignature)
        #expect(refusal { try verifier.verify(signer.presigned(), body: "") } == nil)
        signer.isEncrypted = true
        #expect(refusal { try verifier.verify(signer.signedInHeader()) } == nil)
    }

    @Test func `a payload that is signed in pieces is refused by name`() {
        var signer = Signer()
        signer.headers.append(("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"))

        let refused = refusal { try SignatureVerifier.knowing(Signer.key).verify(signer.signedInHeader()) }

        #expect(refused?.kind == .invalidSignature)
        #expect(refused?.message.contains("STREAMING-AWS4-HMAC-SHA256-PAYLOAD is not supported") == true)
    }

    @Test(arguments: [(-901, false), (-900, true), (0, true), (900, true), (901, false)])
    func `a signer's clock may be 15 minutes off`(skewSeconds: Int64, isAccepted: Bool) {
        let now = SigningTime(secondsSince1970: 1_700_000_000)
        let verifier = SignatureVerifier.knowing(Signer.key, at: now)
        var signer = Signer()
        signer.time = now.advanced(by: skewSeconds)

        let refused = refusal { try verifier.verify(signer.signedInHeader()) }

        #expect((refused == nil) == isAccepted)
        let begin = skewSeconds < 0 ? "Signature expired: " : "Signature not yet current: "
        #expect(refused?.message.hasPrefix(begin) ?? true)
    }

    @Test(arguments: [(0, true), (604_800, true), (604_801, false), (-900, true), (-901, false)])
    func `a presigned request counts until it expires, seven days at most`(age: Int64, isAccepted: Bool) {
        var signer = Signer()
        signer.headers = [("host", "h")]
        let verifier = SignatureVerifier.knowing(Signer.key, at: signer.time.advanced(by: age))

        let refused = refusal {
            try verifier.verify(signer.presigned(expirySeconds: 604_800), body: "")
        }

        #expect((refused == nil) == isAccepted)
        for seconds in [0, -1, 604_801] {
            let wrong = refusal { try verifier.verify(signer.presigned(expirySeconds: seconds), body: "") }
            #expect(wrong?.kind == .incompleteSignature)
        }
    }

    @Test func `a scope must fit day, region and service`() {
        func refused(_ change: (inout Signer) -> Void) -> AccessRefusal? {
            var signer = Signer()
            change(&signer)
            return refusal { try SignatureVerifier.knowing(Signer.key).verify(signer.signedInHeader()) }
        }

        #expect(refused { $0.scopeDay = "20231113" }?.message.hasPrefix("Date in Credential scope") == true)
        #expect(refused { $0.region = "eu-west-1" }?.message.contains("valid region: 'us-east-1'") == true)
        #expect(refused { $0.service = "s3" }?.message.contains("correct service: 'kinesis'") == true)
        #expect(refused { $0.keyID = "MRUNKNOWNUNKNOWN2222" }?.kind == .unrecognizedClient)
        #expect(refused { $0.secret = "another" }?.kind == .invalidSignature)
        #expect(refused { $0.headers.append(("x-amz-security-token", "t")) }?.kind == .unrecognizedClient)
    }

    @Test(arguments: ["x-amz-target", "x-amz-thing", "content-type"])
    func `a header with meaning that is not signed could be anybody's`(name: String) {
        var signer = Signer()
        signer.headers = [("host", "h")]
        signer.unsignedHeaders = [(name, "value")]

        let refused = refusal { try SignatureVerifier.knowing(Signer.key).verify(signer.signedInHeader()) }

        #expect(refused?.kind == .invalidSignature)
        #expect(refused?.message.contains(name) == true)
    }

    @Test func `the host must be signed`() {
        var signer = Signer()
        signer.unsignedHeaders = [("host", "h")]
        signer.headers = []

        let refused = refusal { try SignatureVerifier.knowing(Signer.key).verify(signer.signedInHeader()) }

        #expect(refused?.message.contains("must be signed: host") == true)
    }

    @Test(
        arguments: [
            (nil, "Missing Authentication Token", AccessRefusal.Kind.missingToken),
            ("Basic YTpi", "Unsupported AWS 'algorithm': 'Basic'", .incompleteSignature),
            ("AWS4-HMAC-SHA256", "requires 'Credential'", .incompleteSignature),
            ("AWS4-HMAC-SHA256 Credential=a/b", "requires 'Signature'", .incompleteSignature),
            (
                "AWS4-HMAC-SHA256 Credential=a/b, Signature=c, SignedHeaders=host", "5 slash-delimited",
                .incompleteSignature
            ),
            (
                "AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request, Signature=c, SignedHeaders=x;host",
                "sorted",
                .incompleteSignature
            ),
        ] as [(String?, String, AccessRefusal.Kind)]
    )
    func `what is not a signature says what it lacks`(
        authorization: String?,
        message: String,
        kind: AccessRefusal.Kind
    ) {
        var headers = [(name: "host", value: "h"), (name: "x-amz-date", value: "20231114T221320Z")]
        if let authorization { headers.append((name: "authorization", value: authorization)) }
        let request = IncomingRequest(method: "GET", target: "/", headers: headers, isEncrypted: false)

        let refused = refusal { try SignatureVerifier.knowing(Signer.key).verify(request) }

        #expect(refused?.kind == kind)
        #expect(refused?.message.contains(message) == true)
    }

    @Test(arguments: ["20230631T000000Z", "2023-06-30T00:00", "20230630T240000Z", "20230630 000000Z", ""])
    func `a date that is none is refused`(text: String) {
        #expect(SigningTime(text) == nil)
        #expect(SigningTime("20150830T123600Z")?.secondsSince1970 == 1_440_938_160)
    }

    private func refusal(_ body: () throws -> AccessKey) -> AccessRefusal? {
        do {
            _ = try body()
            return nil
        } catch {
            return error as? AccessRefusal
        }
    }
}
