/// What a request says about its own signature, in its header or, presigned, in its query.
struct RequestSignature: Equatable {
    static let algorithm = "AWS4-HMAC-SHA256"
    /// Seven days.
    static let maximumExpirySeconds: Int64 = 604_800

    let keyID: String
    /// A day such as `20150830`.
    let scopeDay: String
    let region: String
    let service: String
    /// In lower case, sorted.
    let signedHeaders: [String]
    /// Hexadecimal.
    let signature: String
    let time: SigningTime
    /// How long a presigned request counts; `nil` for a signature in the header.
    let expirySeconds: Int64?

    var isPresigned: Bool { expirySeconds != nil }
    var scope: String { "\(scopeDay)/\(region)/\(service)/\(Self.terminator)" }

    private static let terminator = "aws4_request"

    init(of request: IncomingRequest) throws(AccessRefusal) {
        let query = QueryParameters(request.query)
        let authorizations = request.values(of: "authorization")
        let isPresigned = !query.values(of: "X-Amz-Algorithm").isEmpty
        guard !isPresigned || authorizations.isEmpty else {
            throw AccessRefusal(
                .incompleteSignature,
                "Found both 'X-Amz-Algorithm' as a URL query string parameter and 'Authorization' as HTTP header."
            )
        }
        if isPresigned {
            try self.init(presigned: query)
        } else {
            guard let first = authorizations.first else {
                throw AccessRefusal(.missingToken, "Missing Authentication Token")
            }
            guard authorizations.count == 1 else {
                throw AccessRefusal(
                    .incompleteSignature,
                    "The request has \(authorizations.count) Authorization headers."
                )
            }
            try self.init(authorization: first, dates: request.values(of: "x-amz-date"))
        }
    }

    /// Reads `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`.
    private init(authorization: String, dates: [String]) throws(AccessRefusal) {
        let words = authorization.split(separator: " ", maxSplits: 1)
        guard words.first.map(String.init) == Self.algorithm else {
            throw AccessRefusal(
                .incompleteSignature,
                "Unsupported AWS 'algorithm': '\(words.first?.prefix(64) ?? "")'; this host verifies \(Self.algorithm)."
            )
        }
        var parts: [String: String] = [:]
        for part in (words.dropFirst().first ?? "").split(separator: ",") {
            let pair = part.split(separator: "=", maxSplits: 1)
            guard pair.count == 2 else { continue }
            let name = pair[0].filter { $0 != " " && $0 != "\t" }
            guard parts.updateValue(pair[1].filter { $0 != " " && $0 != "\t" }, forKey: name) == nil else {
                throw AccessRefusal(
                    .incompleteSignature,
                    "Authorization header has more than one '\(name.prefix(64))'."
                )
            }
        }
        let missing = ["Credential", "Signature", "SignedHeaders"].filter { parts[$0] == nil }
            .map { "Authorization header requires '\($0)' parameter." }
        guard missing.isEmpty, let credential = parts["Credential"], let signature = parts["Signature"],
            let signedHeaders = parts["SignedHeaders"]
        else { throw AccessRefusal(.incompleteSignature, missing.joined(separator: " ")) }
        guard dates.count == 1, let date = dates.first else {
            throw AccessRefusal(
                .incompleteSignature,
                "Authorization header requires existence of one 'X-Amz-Date' header."
            )
        }
        try self.init(credential, signedHeaders, signature, date, expirySeconds: nil)
    }

    private init(presigned query: QueryParameters) throws(AccessRefusal) {
        func one(_ name: String) throws(AccessRefusal) -> String {
            let values = query.values(of: name)
            guard values.count == 1, let value = values.first else {
                throw AccessRefusal(
                    .incompleteSignature,
                    "AWS query-string parameters must include '\(name)', once."
                )
            }
            return value
        }
        guard try one("X-Amz-Algorithm") == Self.algorithm else {
            throw AccessRefusal(
                .incompleteSignature,
                "Unsupported AWS 'X-Amz-Algorithm'; this host verifies \(Self.algorithm)."
            )
        }
        let expires = try one("X-Amz-Expires")
        guard let seconds = Int64(expires), (1...Self.maximumExpirySeconds).contains(seconds) else {
            throw AccessRefusal(
                .incompleteSignature,
                "X-Amz-Expires must be between 1 and \(Self.maximumExpirySeconds) seconds."
            )
        }
        try self.init(
            one("X-Amz-Credential"),
            one("X-Amz-SignedHeaders"),
            one(QueryParameters.signature),
            one("X-Amz-Date"),
            expirySeconds: seconds
        )
    }

    private init(
        _ credential: String,
        _ signedHeaders: String,
        _ signature: String,
        _ date: String,
        expirySeconds: Int64?
    ) throws(AccessRefusal) {
        let scope = credential.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard scope.count == 5, scope.allSatisfy({ !$0.isEmpty }), scope[4] == Self.terminator else {
            throw AccessRefusal(
                .incompleteSignature,
                "Credential must have exactly 5 slash-delimited elements, e.g. "
                    + "keyid/date/region/service/\(Self.terminator)."
            )
        }
        guard let time = SigningTime(date) else {
            throw AccessRefusal(
                .incompleteSignature,
                "Date must be in ISO-8601 'basic format': such as 20150830T123600Z."
            )
        }
        let names = signedHeaders.split(separator: ";", omittingEmptySubsequences: false).map(String.init)
        guard names == Set(names.map { $0.lowercased() }).sorted() else {
            throw AccessRefusal(
                .incompleteSignature,
                "SignedHeaders must be in lower case, sorted, and each named once."
            )
        }
        keyID = scope[0]
        scopeDay = scope[1]
        region = scope[2]
        service = scope[3]
        self.signedHeaders = names
        self.signature = signature
        self.time = time
        self.expirySeconds = expirySeconds
    }
}
