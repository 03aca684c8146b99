import Foundation

/// Turns the JSON of requests into values, and values into answers.
///
/// The API's members begin with a capital letter, ours with a small one.
enum LambdaCodec {
    static func decode<Request: Decodable>(_ type: Request.Type, from body: [UInt8]) throws(LambdaError)
        -> Request
    {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .custom { path in
            MemberKey(path.last?.stringValue ?? "") { $0.lowercased() }
        }
        do {
            return try decoder.decode(type, from: body.isEmpty ? Data("{}".utf8) : Data(body))
        } catch let DecodingError.dataCorrupted(context) where context.codingPath.isEmpty {
            throw LambdaError(
                .invalidRequestContent,
                "Could not parse request body into json: \(context.debugDescription)"
            )
        } catch {
            throw LambdaError(.serialization, reason(error))
        }
    }

    static func encode(_ answer: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .custom { path in
            MemberKey(path.last?.stringValue ?? "") { $0.uppercased() }
        }
        return [UInt8](try encoder.encode(answer))
    }

    /// An object whose members have the names that they are to have.
    static func encodeFields(_ fields: [String: String]) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return [UInt8](try encoder.encode(fields))
    }

    private static func reason(_ error: any Error) -> String {
        guard let error = error as? DecodingError else { return "the request is not valid JSON" }
        switch error {
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .keyNotFound(_, let context):
            return "\(place(context)) has the wrong type: \(context.debugDescription)"
        case .dataCorrupted(let context): return "\(place(context)): \(context.debugDescription)"
        @unknown default: return "the request is not valid JSON"
        }
    }

    private static func place(_ context: DecodingError.Context) -> String {
        let path = context.codingPath.map(\.stringValue).joined(separator: ".")
        return path.isEmpty ? "the request" : path
    }
}

/// Two views of one request; a function's code makes it large, so it is read only once.
struct TwoViews<First: Decodable, Second: Decodable>: Decodable {
    let first: First
    let second: Second

    init(from decoder: any Decoder) throws {
        first = try First(from: decoder)
        second = try Second(from: decoder)
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
