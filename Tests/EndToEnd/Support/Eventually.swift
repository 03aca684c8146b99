/// Waits until a condition holds in another process.
///
/// Nothing tells when that happens, so this looks every few milliseconds. A test passes as soon as it holds; the limit only ends one
/// that has failed.
///
/// - Throws: `NeverHappened` at the limit.
func eventually(
    _ expectation: String,
    within limit: Duration = .seconds(300),
    _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while try await !condition() {
        guard ContinuousClock.now < deadline else {
            throw NeverHappened(expectation: expectation, limit: limit)
        }
        try await Task.sleep(for: .milliseconds(10))
    }
}

struct NeverHappened: Error, CustomStringConvertible {
    let expectation: String
    let limit: Duration

    var description: String { "within \(limit): \(expectation)" }
}
