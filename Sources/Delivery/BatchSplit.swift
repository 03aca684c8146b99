package import StreamCore

/// What is left of one batch, in order: one piece at first, more once it has failed and was split.
///
/// Each piece is a batch of its own, with its own count of attempts; the first is invoked until it is done.
package struct BatchSplit: Sendable {
    package struct Piece: Sendable {
        package let records: RecordSelection
        /// Invocations that failed with just these records.
        package fileprivate(set) var attempts = 0
        /// When the first of these records failed for the first time.
        package fileprivate(set) var firstFailure: Timestamp?
    }

    package private(set) var first: Piece?
    /// The pieces behind the first, the nearest last.
    private var later: [Piece] = []

    /// - Parameter progress: The pieces into which an earlier worker had split these records; others are new.
    package init(_ batch: RecordSelection, resuming progress: [BatchProgress] = []) {
        guard !progress.isEmpty else {
            first = batch.isEmpty ? nil : Piece(records: batch)
            return
        }
        var rest = batch
        var pieces: [Piece] = []
        func cut(_ length: Int, _ stored: BatchProgress?) {
            guard length > 0 else { return }
            pieces.append(
                Piece(
                    records: rest.prefix(length),
                    attempts: stored?.attempts ?? 0,
                    firstFailure: stored?.firstFailure
                )
            )
            rest = rest.dropFirst(length)
        }
        for stored in progress.sorted(by: { $0.first < $1.first }) {
            cut(rest.position(of: stored.first), nil)
            cut(rest.position(of: stored.last.successor), stored)
        }
        cut(rest.count, nil)
        later = pieces.reversed()
        first = later.popLast()
    }

    /// How many batches are left.
    package var count: Int { later.count + (first == nil ? 0 : 1) }

    /// The pieces worth storing: those that have failed, alone or as a part of more.
    package func progress(lane: Int) -> [BatchProgress] {
        guard first?.firstFailure != nil || !later.isEmpty else { return [] }
        return ((first.map { [$0] } ?? []) + later.reversed()).compactMap { piece in
            guard let time = piece.firstFailure, let first = piece.records.first,
                let last = piece.records.last
            else { return nil }
            return BatchProgress(
                first: first.sequenceNumber,
                last: last.sequenceNumber,
                lane: lane,
                attempts: piece.attempts,
                firstFailure: time
            )
        }
    }

    /// The first piece is done, or given up.
    package mutating func finishFirst() { first = later.popLast() }

    /// So many records of the first piece are done; what is left of it is a batch of its own, with a fresh count.
    package mutating func finish(_ doneCount: Int, at now: Timestamp) {
        guard let piece = first, doneCount < piece.records.count else { return finishFirst() }
        first = Piece(
            records: piece.records.dropFirst(doneCount),
            firstFailure: piece.firstFailure ?? now
        )
    }

    /// The first piece has failed once more.
    package mutating func noteFailure(at now: Timestamp) {
        first?.attempts += 1
        if first?.firstFailure == nil { first?.firstFailure = now }
    }

    /// Makes two batches of the first piece, with fresh counts: Lambda does not count a split.
    package mutating func splitFirst(at place: Int) {
        guard let records = first?.records else { return }
        cutFirst(at: records.wholePlace(near: place), attempts: 0)
    }

    /// Cuts the first piece where records that have expired meet others; both keep their count.
    ///
    /// - Returns: Whether the first piece has expired.
    package mutating func separateExpired(_ isExpired: (RecordEntry) -> Bool) -> Bool {
        guard let piece = first else { return false }
        let records = piece.records
        let isFirstExpired = isExpired(records[0])
        for place in 1..<max(1, records.count) where isExpired(records[place]) != isFirstExpired {
            cutFirst(at: place, attempts: piece.attempts)
            break
        }
        return isFirstExpired
    }

    private mutating func cutFirst(at place: Int, attempts: Int) {
        guard let piece = first else { return }
        precondition((1..<piece.records.count).contains(place), "both parts of a batch hold records")
        func part(_ records: RecordSelection) -> Piece {
            Piece(records: records, attempts: attempts, firstFailure: piece.firstFailure)
        }
        later.append(part(piece.records.dropFirst(place)))
        first = part(piece.records.prefix(place))
    }
}
