/// The parameters of a query, decoded, in their order.
struct QueryParameters {
    static let signature = "X-Amz-Signature"

    /// As bytes: not everything that can be encoded is text.
    let pairs: [(name: [UInt8], value: [UInt8])]

    init(_ query: String) {
        pairs = Array(query.utf8).split(separator: UInt8(ascii: "&")).map { pair in
            let equals = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.endIndex
            return (Self.decoded(pair[..<equals]), Self.decoded(pair[equals...].dropFirst()))
        }
    }

    func values(of name: String) -> [String] {
        pairs.filter { $0.name.elementsEqual(name.utf8) }.map { String(decoding: $0.value, as: UTF8.self) }
    }

    /// A plus is a plus, since only forms mean a blank by it; a percent sign that encodes nothing is itself.
    private static func decoded(_ source: ArraySlice<UInt8>) -> [UInt8] {
        var bytes: [UInt8] = []
        var index = source.startIndex
        while index < source.endIndex {
            if source[index] == UInt8(ascii: "%"), index + 2 < source.endIndex,
                let high = hexadecimal(source[index + 1]), let low = hexadecimal(source[index + 2])
            {
                bytes.append(high << 4 | low)
                index += 3
            } else {
                bytes.append(source[index])
                index += 1
            }
        }
        return bytes
    }

    private static func hexadecimal(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}
