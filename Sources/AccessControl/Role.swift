/// What the owner of a key may do.
package enum Role: String, CaseIterable, Sendable {
    /// Looks at everything, records included, and changes nothing; invokes no function.
    case readOnly = "read-only"
    /// Puts records, and finds the streams for them.
    case produceOnly = "produce-only"
    case admin

    package static let names = allCases.map(\.rawValue).joined(separator: ", ")
}
