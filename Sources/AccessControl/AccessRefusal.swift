import Foundation

/// Why a request is not carried out, in the words of AWS.
package struct AccessRefusal: Error, Hashable, Sendable {
    package enum Kind: String, Sendable {
        case accessDenied = "AccessDeniedException"
        case incompleteSignature = "IncompleteSignatureException"
        case invalidSignature = "InvalidSignatureException"
        case missingToken = "MissingAuthenticationTokenException"
        case overloaded = "ServiceUnavailableException"
        case tooLarge = "RequestEntityTooLargeException"
        case unrecognizedClient = "UnrecognizedClientException"
    }

    package let kind: Kind
    package let message: String

    package init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    /// APIs that speak in JSON targets answer 400 where those that speak in paths answer 403.
    package func status(of api: CalledAPI) -> Int {
        switch (kind, api) {
        case (.tooLarge, _): 413
        case (.overloaded, _): 503
        case (_, .kinesis), (_, .logs): 400
        case (_, .lambda), (_, .management): 403
        }
    }

    /// JSON in the shape of the API that was called.
    package func body(of api: CalledAPI) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Strings always encode; were it not so, the status alone would still say no.
        let json =
            switch api {
            case .kinesis, .logs: try? encoder.encode(["__type": kind.rawValue, "message": message])
            case .lambda: try? encoder.encode(["Message": message, "Type": "User"])
            case .management: try? encoder.encode(["errors": [message]])
            }
        return [UInt8](json ?? Data())
    }

    package static func contentType(of api: CalledAPI) -> String {
        switch api {
        case .kinesis, .logs: "application/x-amz-json-1.1"
        case .lambda, .management: "application/json"
        }
    }
}
