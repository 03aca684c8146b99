/// What the Runtime API needs to know of a request's head.
struct RuntimeAPIRequestHead: Sendable {
    enum Framing: Sendable {
        case length(Int)
        case chunked
    }

    let route: RuntimeAPIRequest.Route
    private(set) var framing = Framing.length(0)
    private(set) var isKeptAlive: Bool
    private(set) var expectsContinue = false
    private(set) var errorType: String?

    /// Reads request line and fields, without the empty line that ends them.
    init(_ bytes: UnsafeRawBufferPointer) throws(RuntimeAPIProtocolError) {
        var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)[...]
        let words = lines.removeFirst().split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\r") }
        guard words.count == 3, words[2].starts(with: "HTTP/1.".utf8) else {
            throw RuntimeAPIProtocolError(status: 400, reason: "malformed request line")
        }
        route = RuntimeAPIRequest.route(
            method: String(decoding: words[0], as: UTF8.self),
            path: String(decoding: words[1], as: UTF8.self)
        )
        isKeptAlive = words[2].elementsEqual("HTTP/1.1".utf8)
        for line in lines where line.count > 1 {
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else {
                throw RuntimeAPIProtocolError(status: 400, reason: "header field without a colon")
            }
            // A field can be 1 MiB long (X-Ray causes), so only those in use are turned into text.
            guard colon - line.startIndex <= 64 else { continue }
            let name = String(decoding: line[..<colon], as: UTF8.self).lowercased()
            try take(name) { Self.text(line[(colon + 1)...]) }
        }
    }

    private mutating func take(_ name: String, value: () -> String) throws(RuntimeAPIProtocolError) {
        switch name {
        case "content-length":
            guard let length = Int(value()), length >= 0 else {
                throw RuntimeAPIProtocolError(status: 400, reason: "malformed content length")
            }
            if case .length = framing { framing = .length(length) }
        case "transfer-encoding":
            guard value().lowercased() == "chunked" else {
                throw RuntimeAPIProtocolError(status: 501, reason: "unknown transfer encoding")
            }
            framing = .chunked
        case "connection":
            let value = value().lowercased()
            if value == "close" { isKeptAlive = false }
            if value == "keep-alive" { isKeptAlive = true }
        case "expect": expectsContinue = value().lowercased() == "100-continue"
        case "lambda-runtime-function-error-type": errorType = String(value().prefix(1024))
        default: break
        }
    }

    /// The field's value without the white space around it.
    private static func text(_ bytes: Slice<UnsafeRawBufferPointer>) -> String {
        let isSpace = { (byte: UInt8) in byte == 0x20 || byte == 0x09 || byte == 0x0D }
        var bytes = bytes.drop(while: isSpace)
        while let last = bytes.last, isSpace(last) { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }
}
