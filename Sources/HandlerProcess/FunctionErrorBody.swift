import Foundation
import HandlerWire

/// What a runtime posts as an error: a JSON object, or whatever else it made of it.
struct FunctionErrorBody: Equatable {
    /// Longest text that is kept of each; more would be kept with every failure.
    private static let maximumCharacters = 16 << 10

    let errorType: String
    let errorMessage: String

    init(_ request: RuntimeAPIRequest) {
        let fields = (try? JSONDecoder().decode(Fields.self, from: Data(request.body))) ?? Fields()
        let type = fields.errorType ?? request.errorType ?? "Unhandled"
        let message =
            fields.errorMessage
            ?? String(decoding: request.body.prefix(Self.maximumCharacters), as: UTF8.self)
        errorType = String(type.prefix(Self.maximumCharacters))
        errorMessage = String(message.prefix(Self.maximumCharacters))
    }

    private struct Fields: Decodable {
        var errorType: String?
        var errorMessage: String?
    }
}
