/// The header lines of one answer as they arrive.
struct ReplyHead {
    private(set) var headers: [String: String] = [:]

    mutating func take(line bytes: UnsafeRawBufferPointer) {
        let line = String(decoding: bytes, as: UTF8.self)
        // A new status line: what came before belonged to a `100 Continue`.
        if line.hasPrefix("HTTP/") { headers = [:] }
        guard let colon = line.firstIndex(of: ":") else { return }
        headers[line[..<colon].lowercased()] = line[line.index(after: colon)...].trimmingWhitespace()
    }

    /// As announced; `nil` when it is not.
    var contentLength: Int? { headers["content-length"].flatMap { Int($0) } }
}

extension Substring {
    fileprivate func trimmingWhitespace() -> String {
        var text = self
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}
