package import StreamCore

/// The parts of one aggregated record share its sequence number, which is what checkpoints, retries and lanes go by: what
/// is done about one of them is done about all.
extension RecordSelection {
    /// Everything in it is one record of the log.
    package var isOneRecord: Bool { first?.sequenceNumber == last?.sequenceNumber }

    /// The place at which it can be cut without parting an aggregate: `place` itself, else before or behind the aggregate.
    package func wholePlace(near place: Int) -> Int {
        guard (1..<max(1, count)).contains(place) else { return place }
        let number = self[place].sequenceNumber
        guard self[place - 1].sequenceNumber == number else { return place }
        let before = position(of: number)
        return before > 0 ? before : position(of: number.successor)
    }
}
