/// One request to an HTTP endpoint.
package struct ClientRequest: Sendable {
    package var method: String
    package var url: String
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]
    package var version: Version

    package enum Version: Hashable, Sendable {
        /// What the server offers over TLS, else HTTP/1.1.
        case automatic
        /// HTTP/2 from the first byte on, also without TLS.
        case http2
    }

    package init(
        method: String = "GET",
        url: String,
        headers: [(name: String, value: String)] = [],
        body: [UInt8] = [],
        version: Version = .automatic
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.version = version
    }
}

package struct ClientResponse: Sendable {
    package let status: Int
    /// Names are in lower case; of a repeated header the last.
    package let headers: [String: String]
    package let body: [UInt8]

    package init(status: Int, headers: [String: String], body: [UInt8]) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}

/// Why a request got no answer.
package enum HTTPFailure: Error, Hashable, CustomStringConvertible {
    /// Nobody listens there: the request was not carried out.
    case connectionRefused(url: String)
    /// The server's certificate proves nothing: the request was not sent.
    case untrusted(url: String, reason: String)
    /// The request may or may not have been carried out.
    case timedOut(url: String, after: Duration)
    /// The request may or may not have been carried out.
    case failed(url: String, reason: String)

    package var description: String {
        switch self {
        case .connectionRefused(let url): "nothing listens at \(url)"
        case .untrusted(let url, let reason): "the certificate of \(url) is not trusted: \(reason)"
        case .timedOut(let url, let time): "\(url) did not answer within \(time)"
        case .failed(let url, let reason): "request to \(url) failed: \(reason)"
        }
    }
}
