import ArgumentParser

/// Whether a command waits until its change is carried out.
struct MappingWait: ParsableArguments {
    @Flag(help: "Do not wait until the change is carried out.")
    var noWait = false

    /// A batch in flight is waited for, and a function may run for 900 s.
    private static let limit = Duration.seconds(960)
    private static let pause = Duration.milliseconds(200)

    /// Waits until the mapping is in a state that lasts.
    ///
    /// - Returns: The state; `nil` when the mapping is gone. With `--no-wait`, the state it is in now.
    func settledState(of mapping: String, _ client: HostClient) async throws -> String? {
        let end = ContinuousClock.now + Self.limit
        while true {
            guard let now = try await client.mappingConfiguration(mapping) else { return nil }
            let state = now["State"] as? String ?? "unknown"
            if noWait || !state.hasSuffix("ing") { return state }
            guard ContinuousClock.now < end else {
                throw CommandFailure(
                    "mapping \(mapping) is still \(state)",
                    hint: "`millrace mapping show \(mapping)` tells what it waits for"
                )
            }
            try await Task.sleep(for: Self.pause)
        }
    }
}
