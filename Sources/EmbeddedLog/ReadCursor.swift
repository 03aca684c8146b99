package import StreamCore

/// A place in a shard, from which reading is stateless: reading twice from one cursor gives the same records.
package struct ReadCursor: Hashable, Sendable {
    /// Where the next record was when the cursor was made.
    ///
    /// Checked before it is trusted, so it may be stale or wrong.
    package struct Hint: Hashable, Sendable {
        /// The segment's base counter.
        package let segment: UInt64
        package let offset: UInt32

        package init(segment: UInt64, offset: UInt32) {
            self.segment = segment
            self.offset = offset
        }
    }

    /// Reading goes on at the first record with this number or a larger one.
    package let next: SequenceNumber
    /// Records that arrived earlier are left out.
    package let notBefore: Timestamp?
    package let hint: Hint?

    package init(next: SequenceNumber, notBefore: Timestamp? = nil, hint: Hint? = nil) {
        self.next = next
        self.notBefore = notBefore
        self.hint = hint
    }
}

/// What a read from a cursor gave, and where the next read goes on.
package struct CursorRead: Sendable {
    package let result: ReadResult
    package let next: ReadCursor
}
