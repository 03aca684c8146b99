import ByteCoding
import Foundation
import KinesisWire
import StreamCore

/// Where a listing goes on, carried by the client between two calls.
struct PageToken<Place: Codable>: Codable {
    let place: Place
    let issued: Timestamp

    /// How long a token is good for, in milliseconds.
    private static var lifetimeMilliseconds: Int64 { 300_000 }

    var text: String {
        get throws { Base64.encode([UInt8](try JSONEncoder().encode(self))) }
    }

    init(_ place: Place, issued: Timestamp) {
        self.place = place
        self.issued = issued
    }

    init(text: String, now: Timestamp) throws(KinesisError) {
        guard let bytes = Base64.decode(text),
            let token = try? JSONDecoder().decode(Self.self, from: Data(bytes))
        else {
            throw KinesisError(.invalidArgument, "Invalid NextToken.")
        }
        guard now.millisecondsSince(token.issued) <= Self.lifetimeMilliseconds else {
            throw KinesisError(.expiredNextToken, "The NextToken has expired: it is good for 300 seconds.")
        }
        self = token
    }
}
