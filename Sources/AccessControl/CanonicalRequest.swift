/// The one spelling of a request that its signer and its verifier agree on.
///
/// As in "Create a canonical request" of Signature Version 4, for services other than S3: the path is normalized and
/// encoded once more than it came.
struct CanonicalRequest {
    let text: String

    /// - Parameters:
    ///   - signedHeaders: In lower case, sorted.
    ///   - payloadHash: Hexadecimal, or what stands in its place.
    init(_ request: IncomingRequest, signedHeaders: [String], payloadHash: String) {
        let headers = signedHeaders.map { name in
            let values = request.values(of: name).map(Self.collapsingBlanks)
            return "\(name):\(values.joined(separator: ","))\n"
        }
        text = [
            request.method, Self.path(request.path), Self.query(request.query), headers.joined(),
            signedHeaders.joined(separator: ";"), payloadHash,
        ].joined(separator: "\n")
    }

    /// Without `.`, `..` and empty parts; a slash at the end stays.
    private static func path(_ path: String) -> String {
        let slash = UInt8(ascii: "/")
        var parts: [[UInt8]] = []
        for part in path.utf8.split(separator: slash).map(Array.init) {
            if part == Array(".".utf8) { continue }
            if part == Array("..".utf8) {
                _ = parts.popLast()
            } else {
                parts.append(part)
            }
        }
        let isFolder = path.utf8.last == slash && !parts.isEmpty
        return "/" + parts.map(encoded).joined(separator: "/") + (isFolder ? "/" : "")
    }

    /// Sorted by name, then by value, in the order of their bytes; the signature itself is left out.
    private static func query(_ query: String) -> String {
        let pairs = QueryParameters(query).pairs.filter {
            !$0.name.elementsEqual(QueryParameters.signature.utf8)
        }
        .map { (encoded($0.name), encoded($0.value)) }
        .sorted { ($0.0, $0.1) < ($1.0, $1.1) }
        return pairs.map { "\($0.0)=\($0.1)" }.joined(separator: "&")
    }

    private static func collapsingBlanks(_ value: String) -> String {
        value.split { $0 == " " || $0 == "\t" }.joined(separator: " ")
    }

    private static func encoded(_ source: [UInt8]) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in source {
            if isUnreserved(byte) {
                bytes.append(byte)
            } else {
                bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            true
        default: false
        }
    }
}
