/// One service of AWS in one region: where it is, and whose keys sign the requests to it.
package struct AWSService: Sendable {
    /// As it stands in signatures: `sqs`, `sns`, `s3`.
    package let name: String
    package let region: String
    package let endpoint: AWSEndpoint
    private let credentials: AWSCredentialSource
    private let http: HTTPClient

    package init(
        _ name: String,
        region: String,
        endpoint: AWSEndpoint,
        credentials: AWSCredentialSource,
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
    package func answer(to request: ClientRequest) async throws -> ClientResponse {
        let signing = AWSSigning(credentials: try credentials.credentials(), region: region, service: name)
        do {
            return try await http.send(request, signing: signing)
        } catch let error as HTTPFailure {
            throw failure(error)
        }
    }

    package func failure(_ cause: any Error) -> AWSServiceFailure {
        AWSServiceFailure(service: name, endpoint: endpoint, cause: cause)
    }

    /// Calls an operation of a service with a JSON protocol.
    ///
    /// - Parameter target: As the header has it: `AmazonSQS.SendMessage`.
    package func call(_ target: String, _ body: [UInt8]) async throws -> [UInt8] {
        try await send(
            ClientRequest(
                method: "POST",
                url: endpoint.url + "/",
                headers: [("Content-Type", "application/x-amz-json-1.0"), ("X-Amz-Target", target)],
                body: body
            )
        ).body
    }
}

/// A service did not do what it was asked, and where that service was looked for.
package struct AWSServiceFailure: Error, Sendable, CustomStringConvertible {
    package let service: String
    package let endpoint: AWSEndpoint
    package let cause: any Error

    package var description: String { "\(service) at \(endpoint): \(cause)" }
}
