/// Calls the Kinesis API at one endpoint: a running host's, or another that speaks it.
package struct KinesisClient: Sendable {
    private let endpoint: String
    private let signing: AWSSigning?
    private let http: HTTPClient

    /// - Parameters:
    ///   - endpoint: Such as `http://127.0.0.1:4600`.
    ///   - credentials: Requests are signed when given; a Millrace host asks for it when it has credentials.
    package init(
        endpoint: String,
        region: String = "us-east-1",
        credentials: AWSCredentials? = nil,
        http: HTTPClient = HTTPClient()
    ) {
        self.endpoint = endpoint
        self.http = http
        signing = credentials.map { AWSSigning(credentials: $0, region: region, service: "kinesis") }
    }

    /// Calls an operation with a JSON body.
    ///
    /// - Parameter operation: Its name, such as `ListStreams`.
    /// - Returns: The JSON answer; empty for operations that answer nothing.
    /// - Throws: `AWSError` as the API answered it, or `HTTPFailure` when it did not.
    package func call(_ operation: String, _ body: [UInt8] = Array("{}".utf8)) async throws -> [UInt8] {
        try Self.answer(await http.send(request(operation, body), signing: signing))
    }

    /// The same, blocking the calling thread.
    package func callBlocking(_ operation: String, _ body: [UInt8] = Array("{}".utf8)) throws -> [UInt8] {
        try Self.answer(http.perform(request(operation, body), signing: signing))
    }

    private func request(_ operation: String, _ body: [UInt8]) -> ClientRequest {
        ClientRequest(
            method: "POST",
            url: endpoint.hasSuffix("/") ? endpoint : endpoint + "/",
            headers: [
                ("Content-Type", "application/x-amz-json-1.1"),
                ("X-Amz-Target", "Kinesis_20131202.\(operation)"),
            ],
            body: body
        )
    }

    private static func answer(_ response: ClientResponse) throws -> [UInt8] {
        guard (200..<300).contains(response.status) else { throw AWSError(response) }
        return response.body
    }
}
