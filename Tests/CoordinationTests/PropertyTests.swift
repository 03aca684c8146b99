import Testing

@Suite(.serialized, .timeLimit(.minutes(2)))
struct PropertyTests {
    @Test(arguments: UInt64(0)..<300)
    func `whatever fails, every record ends processed, filtered or in one failure, in order per key`(
        seed: UInt64
    ) async throws {
        let violations = try await ShardSimulation(seed: seed).run()

        #expect(violations.isEmpty, "seed \(seed)")
    }
}
