package import StreamCore

/// A failure cannot be taken to its destination, and why.
package struct DestinationRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    package let target: FailureTarget
    package let reason: String

    package var description: String { "\(target) cannot take the failure: \(reason)" }
}
