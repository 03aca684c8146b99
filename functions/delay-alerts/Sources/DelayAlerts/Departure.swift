/// What this function needs to know of one departure.
struct Departure: Equatable {
    /// Local time, such as `2013-01-01T05:15`.
    var scheduled = ""
    var carrier = ""
    var flight = 0
    var origin = ""
    var destination = ""
    /// Negative when early; `nil` when the departure was cancelled.
    var delayMinutes: Int?

    /// Reads a record's payload, field by field and without a JSON library.
    ///
    /// - Returns: `nil` unless the payload is one flat JSON object with a carrier, an origin and a destination.
    init?(json: UnsafeRawBufferPointer) {
        var fields = FlatJSONScanner(json)
        while let field = fields.next() {
            if field.isNamed("scheduled") {
                scheduled = field.text
            } else if field.isNamed("carrier") {
                carrier = field.text
            } else if field.isNamed("flight") {
                flight = field.integer ?? 0
            } else if field.isNamed("origin") {
                origin = field.text
            } else if field.isNamed("dest") {
                destination = field.text
            } else if field.isNamed("dep_delay") {
                delayMinutes = field.integer
            }
        }
        guard fields.isAtEnd, !carrier.isEmpty, !origin.isEmpty, !destination.isEmpty else { return nil }
    }
}
