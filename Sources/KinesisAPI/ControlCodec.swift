import Foundation
import KinesisWire

/// Turns the JSON of control operations into values and back.
///
/// Records never pass through here. The API's members begin with a capital letter, ours with a small one.
enum ControlCodec {
    static func decode<Request: Decodable>(_ type: Request.Type, from body: Data) throws(KinesisError)
        -> Request
    {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .custom { path in
            MemberKey(path.last?.stringValue ?? "") { $0.lowercased() }
        }
        do {
            return try decoder.decode(type, from: body.isEmpty ? Data("{}".utf8) : body)
        } catch {
            throw KinesisError(.serialization, reason(error))
        }
    }

    static func encode(_ answer: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .custom { path in
            MemberKey(path.last?.stringValue ?? "") { $0.uppercased() }
        }
        return try encoder.encode(answer)
    }

    private static func reason(_ error: any Error) -> String {
        guard let error = error as? DecodingError else { return "the request is not valid JSON" }
        switch error {
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .keyNotFound(_, let context):
            let path = context.codingPath.map(\.stringValue).joined(separator: ".")
            return "\(path.isEmpty ? "the request" : path) has the wrong type: \(context.debugDescription)"
        case .dataCorrupted(let context): return "the request is not valid JSON: \(context.debugDescription)"
        @unknown default: return "the request is not valid JSON"
        }
    }
}

private struct MemberKey: CodingKey {
    let stringValue: String
    let intValue: Int?

    init(_ name: String, changingFirst change: (String) -> String) {
        stringValue = change(String(name.prefix(1))) + name.dropFirst()
        intValue = nil
    }

    init(stringValue: String) {
        self.stringValue = stringValue
        intValue = nil
    }

    init(intValue: Int) {
        stringValue = String(intValue)
        self.intValue = intValue
    }
}
