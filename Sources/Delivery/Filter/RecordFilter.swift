package import StreamCore

/// Which records a function gets, in the patterns of Lambda's `FilterCriteria`.
///
/// A pattern names fields of the payload under `data`, and of the record itself. Payloads are scanned once, by hand;
/// one that is not JSON matches no pattern that names `data`, and patterns that do not never look at it.
package struct RecordFilter: Sendable {
    /// `nil` when there are no patterns, and so every record matches.
    private let program: FilterProgram?

    /// Compiles the patterns, of which a record has to match one.
    ///
    /// - Throws: `InvalidFilter` with everything that is wrong: in which pattern, where in it, and what is allowed.
    package init(patterns: [String]) throws(InvalidFilter) {
        let reader = PatternReader(patterns)
        guard reader.problems.isEmpty else { throw InvalidFilter(reader.problems) }
        program =
            patterns.isEmpty ? nil : FilterProgramBuilder.program(of: reader.clauses, reader.tests)
    }

    /// The records that match, in order; `records` itself when all do.
    package func select(_ records: RecordSelection) -> RecordSelection {
        guard let program, !records.isEmpty else { return records }
        var matching: [UInt32] = []
        matching.reserveCapacity(records.count)
        records.batch.withUnsafeContents { bytes, entries in
            FilterConditions.with(program) { conditions in
                var matcher = RecordMatcher(conditions, bytes)
                switch records.indices {
                case .range(let range):
                    for index in range where matcher.matches(entries[index]) {
                        matching.append(UInt32(index))
                    }
                case .list(let list):
                    for index in list where matcher.matches(entries[Int(index)]) { matching.append(index) }
                }
            }
        }
        guard matching.count < records.count else { return records }
        return RecordSelection(batch: records.batch, indices: .list(matching))
    }
}
