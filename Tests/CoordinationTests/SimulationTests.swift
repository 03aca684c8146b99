import Testing

@Suite(.timeLimit(.minutes(2)))
struct SimulationTests {
    @Test(arguments: UInt64(0)..<200)
    func `whatever happens to its workers, every record is processed in order`(seed: UInt64) async throws {
        let violations = try await Simulation(seed: seed).run()

        #expect(violations.isEmpty, "seed \(seed)")
    }
}
