/// One request of a Lambda runtime to its Runtime API.
package struct RuntimeAPIRequest: Hashable, Sendable {
    package enum Route: Hashable, Sendable {
        case next
        case response(requestID: String)
        case error(requestID: String)
        case initError
        /// A path that the Runtime API does not have.
        case unknown
        /// A path that it has, with another method.
        case wrongMethod
    }

    package let route: Route
    /// `Lambda-Runtime-Function-Error-Type`, which a runtime may leave out.
    package let errorType: String?
    /// What the parser keeps of it: nothing of a response that nobody wants, and never more than its limits.
    package let body: [UInt8]
    /// As many as the runtime sent.
    package let bodyBytes: Int
    /// The connection stays open after the answer.
    package let isKeptAlive: Bool

    static func route(method: some StringProtocol, path: some StringProtocol) -> Route {
        let parts = path.split(separator: "?", maxSplits: 1).first?.split(separator: "/") ?? []
        guard parts.count >= 4, parts[0] == "2018-06-01", parts[1] == "runtime" else { return .unknown }
        let (route, expected): (Route, String)
        switch (parts[2], parts.count) {
        case ("invocation", 4) where parts[3] == "next": (route, expected) = (.next, "GET")
        case ("invocation", 5) where parts[4] == "response":
            (route, expected) = (.response(requestID: String(parts[3])), "POST")
        case ("invocation", 5) where parts[4] == "error":
            (route, expected) = (.error(requestID: String(parts[3])), "POST")
        case ("init", 4) where parts[3] == "error": (route, expected) = (.initError, "POST")
        default: return .unknown
        }
        return method == expected ? route : .wrongMethod
    }
}

/// Why a connection to the Runtime API cannot be understood any more; it is answered with the status and closed.
package struct RuntimeAPIProtocolError: Error, Hashable, Sendable {
    package let status: Int
    package let reason: String
}
