import Foundation

/// Which part of a line is its partition key.
enum PartitionKey {
    /// The line itself, as far as a key may be long.
    case line
    /// A field of the line, which is a JSON object.
    case field(String)

    /// The API counts Unicode scalars, of which one visible character may have many.
    private static let maximumScalars = 256

    /// - Throws: `CommandFailure` for a line that has no key.
    func key(of line: LineSplitter.Line, in input: String) throws -> String {
        switch self {
        case .line:
            // A scalar has at most four bytes: what lies behind cannot be part of the key.
            return Self.cut(String(decoding: line.data.prefix(Self.maximumScalars * 4), as: UTF8.self))
        case .field(let field):
            let place = "line \(line.number) of \(input)"
            guard let object = try? JSONSerialization.jsonObject(with: line.data) as? [String: Any] else {
                throw CommandFailure("\(place) is not a JSON object")
            }
            switch object[field] {
            case nil: throw CommandFailure("\(place) has no field \(field)")
            case is NSNull: return "null"
            case let text as String where text.isEmpty: throw CommandFailure("\(place) has an empty \(field)")
            case let value?: return Self.cut("\(value)")
            }
        }
    }

    private static func cut(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.prefix(maximumScalars)))
    }
}
