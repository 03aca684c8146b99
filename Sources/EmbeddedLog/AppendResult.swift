package import StreamCore

/// What became of the records of one `append`, in their order.
package struct AppendResult: Sendable {
    /// Where one record went.
    ///
    /// Its number counts only when the shard is not among `failures`.
    package struct Entry: Hashable, Sendable {
        /// The shard's number in its stream; `ShardID(number:)` is its name.
        package let shard: Int
        package let sequenceNumber: SequenceNumber
    }

    package let entries: [Entry]
    /// Why the records of a shard were not stored, by the shard's number.
    ///
    /// Their producers may try again.
    package let failures: [Int: any Error]

    package var isComplete: Bool { failures.isEmpty }

    /// Why the record at `index` was not stored; `nil` when it was.
    package func failure(at index: Int) -> (any Error)? {
        failures.isEmpty ? nil : failures[entries[index].shard]
    }
}
