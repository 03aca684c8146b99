/// The head of a request, as far as signatures cover it.
package struct IncomingRequest: Sendable {
    package let method: String
    /// As it came: neither decoded nor normalized.
    package let path: String
    /// As it came, without the question mark.
    package let query: String
    /// In order of arrival, with `host`; names in lower case.
    package let headers: [(name: String, value: String)]
    /// It came over TLS.
    package let isEncrypted: Bool

    /// - Parameter target: Path and query as they stand in the request line.
    package init(
        method: String,
        target: String,
        headers: [(name: String, value: String)],
        isEncrypted: Bool
    ) {
        self.method = method
        let mark = target.utf8.firstIndex(of: UInt8(ascii: "?"))
        path = String(target[..<(mark ?? target.endIndex)])
        query = mark.map { String(target[target.utf8.index(after: $0)...]) } ?? ""
        self.headers = headers
        self.isEncrypted = isEncrypted
    }

    /// The values of a header, in order of arrival.
    func values(of name: String) -> [String] { headers.filter { $0.name == name }.map(\.value) }
}
