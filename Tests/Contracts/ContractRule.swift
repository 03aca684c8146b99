import Testing

/// One sentence of a seam's contract, and the test of it.
///
/// Tests of an implementation take all of them as arguments.
package struct ContractRule<Subject: Sendable>: Sendable, CustomTestStringConvertible {
    package let sentence: String
    package let check: @Sendable (Subject) async throws -> Void

    init(_ sentence: String, _ check: @escaping @Sendable (Subject) async throws -> Void) {
        self.sentence = sentence
        self.check = check
    }

    package var testDescription: String { sentence }
}
