/// One service of AWS in one region: where it is, and whose keys sign the requests to it.
package struct AWSService: Sendable {
    /// As it stands in signatures: `sqs`, `sns`, `s3`.
    package let name: String
    package let region: String
    package let endpoint: AWSEndpoint
    private let credentials: (any AWSCredentialProvider)?
    private let http: HTTPClient

    /// - Parameter credentials: Requests go without a signature when there are none.
    package init(
        _ name: String,
        region: String,
        endpoint: AWSEndpoint,
        credentials: (any AWSCredentialProvider)?,
        http: HTTPClient
    ) {
        self.name = name
        self.region = region
        self.endpoint = endpoint
        self.credentials = credentials
        self.http = http
    }

    /// Sends a signed request.
    ///
    /// - Returns: An answer that says yes.
    /// - Throws: `AWSServiceFailure` around `AWSError` or `HTTPFailure`; `AWSCredentialsMissing`; `CancellationError`.
    @discardableResult
    package func send(_ request: ClientRequest) async throws -> ClientResponse {
        let response = try await answer(to: request)
        guard (200..<300).contains(response.status) else { throw failure(AWSError(response)) }
        return response
    }

    /// The same, with answers that say no.
    package func answer(to request: ClientRequest, limits: HTTPClient.Limits? = nil) async throws
        -> ClientResponse
    {
        try await signed { signing in
            let response = try await http.send(request, signing: signing, limits: limits)
            return (response, response)
        }
    }

    /// Sends a signed request and returns when the body of the answer begins, or with an answer that says no.
    package func stream(_ request: ClientRequest, limits: HTTPClient.Limits? = nil) async throws -> HTTPStream
    {
        try await signed { signing in
            let stream = try await http.stream(request, signing: signing, limits: limits)
            return (stream, stream.head)
        }
    }

    /// Sends a request, and once more with other credentials when the service no longer takes those.
    private func signed<Answer>(
        _ send: (AWSSigning?) async throws -> (Answer, head: ClientResponse)
    ) async throws -> Answer {
        do {
            guard let credentials else { return try await send(nil).0 }
            let first = try await credentials.credentials()
            let (answer, head) = try await send(signing(first))
            guard Self.saysExpired(head) else { return answer }
            await credentials.reject(first)
            let second = try await credentials.credentials()
            return second == first ? answer : try await send(signing(second)).0
        } catch let error as HTTPFailure {
            throw failure(error)
        }
    }

    private func signing(_ credentials: AWSCredentials) -> AWSSigning {
        AWSSigning(credentials: credentials, region: region, service: name)
    }

    private static func saysExpired(_ response: ClientResponse) -> Bool {
        guard (400...403).contains(response.status) else { return false }
        return [
            "ExpiredToken", "ExpiredTokenException", "UnrecognizedClientException", "InvalidClientTokenId",
        ]
        .contains(AWSError(response).type)
    }

    package func failure(_ cause: any Error) -> AWSServiceFailure {
        AWSServiceFailure(service: name, endpoint: endpoint, cause: cause)
    }

    /// Calls an operation of a service with a JSON protocol.
    ///
    /// - Parameter target: As the header has it: `AmazonSQS.SendMessage`.
    package func call(_ target: String, _ body: [UInt8]) async throws -> [UInt8] {
        try await send(request(target, body)).body
    }

    /// - Parameter jsonVersion: Of the protocol, which each service has its own of: `1.0` or `1.1`.
    package func request(_ target: String, _ body: [UInt8], jsonVersion: String = "1.0") -> ClientRequest {
        ClientRequest(
            method: "POST",
            url: endpoint.url + "/",
            headers: [("Content-Type", "application/x-amz-json-\(jsonVersion)"), ("X-Amz-Target", target)],
            body: body
        )
    }
}

/// A service did not do what it was asked, and where that service was looked for.
package struct AWSServiceFailure: Error, Sendable, CustomStringConvertible {
    package let service: String
    package let endpoint: AWSEndpoint
    package let cause: any Error

    package var description: String { "\(service) at \(endpoint): \(cause)" }
}
