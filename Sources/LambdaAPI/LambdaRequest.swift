/// One call of the API, without anything of HTTP but its words.
package struct LambdaRequest: Sendable {
    package let method: String
    /// Percent-encoded, without the query.
    package let path: String
    /// Percent-encoded, without the question mark.
    package let query: String
    /// By their names in lower case.
    package let headers: [String: String]
    package let body: [UInt8]
    /// A fresh UUID.
    package let requestID: String

    package init(
        method: String,
        path: String,
        query: String = "",
        headers: [String: String] = [:],
        body: [UInt8] = [],
        requestID: String
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
        self.requestID = requestID
    }
}

/// What the API answers to one request.
package struct LambdaAnswer: Sendable {
    package let status: Int
    /// Beside the content type and the request's id.
    package var headers: [(name: String, value: String)] = []
    /// JSON, or empty.
    package let body: [UInt8]

    init(status: Int = 200, headers: [(name: String, value: String)] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    init(status: Int = 200, _ answer: some Encodable) throws {
        self.init(status: status, body: try LambdaCodec.encode(answer))
    }

    package init(_ error: LambdaError) {
        status = error.status
        headers = [("x-amzn-ErrorType", error.kind.rawValue)]
        // Texts always encode; were it not so, the header alone would still tell the error.
        body = (try? LambdaCodec.encodeFields(error.fields)) ?? []
    }
}
