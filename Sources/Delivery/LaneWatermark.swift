package import StreamCore

/// How far the lanes of a shard are, and so how far the shard is: up to its lowest unfinished record.
package struct LaneWatermark: Sendable {
    private struct Dealt {
        let number: SequenceNumber
        let arrival: Timestamp
        let lane: Int
    }

    /// Those from `head` on are beyond the watermark, in order of their numbers.
    private var dealt: [Dealt] = []
    private var head = 0
    private var readUpTo: SequenceNumber?
    /// Per lane the last record that is done.
    private var done: [SequenceNumber?]
    /// Everything up to and including it is done; `nil` before the first.
    package private(set) var reached: SequenceNumber?

    /// - Parameter done: What an earlier worker's lanes had done beyond the checkpoint.
    package init(done: [SequenceNumber?]) {
        self.done = done
    }

    package var laneCount: Int { done.count }

    /// How many records were dealt out beyond the watermark.
    package var aheadCount: Int { dealt.count - head }

    /// Arrival of the lowest unfinished record.
    package var oldestUnfinished: Timestamp? { head < dealt.count ? dealt[head].arrival : nil }

    /// Whether an earlier worker's lane has done it already.
    package func isDone(_ number: SequenceNumber, in lane: Int) -> Bool {
        done[lane].map { number <= $0 } ?? false
    }

    package mutating func deal(_ entry: RecordEntry, to lane: Int) {
        dealt.append(Dealt(number: entry.sequenceNumber, arrival: entry.arrival, lane: lane))
    }

    /// Everything up to this record was dealt out, filtered, or done before.
    package mutating func noteRead(upTo number: SequenceNumber) {
        readUpTo = max(number, readUpTo ?? number)
        advance()
    }

    package mutating func finish(upTo number: SequenceNumber, in lane: Int) {
        done[lane] = max(number, done[lane] ?? number)
        advance()
    }

    /// Per lane the last record that is done, where that is beyond the watermark; `nil` when there is none.
    package var progress: LaneProgress? {
        let beyond = done.map { number in number.flatMap { $0 > (reached ?? .zero) ? $0 : nil } }
        return beyond.contains { $0 != nil } ? LaneProgress(count: laneCount, done: beyond) : nil
    }

    private mutating func advance() {
        while head < dealt.count, isDone(dealt[head].number, in: dealt[head].lane) {
            let number = dealt[head].number
            head += 1
            // Of an aggregate some parts may be done in one lane while others wait in another.
            if head == dealt.count || dealt[head].number != number { reached = number }
        }
        if head == dealt.count {
            if let readUpTo { reached = max(readUpTo, reached ?? readUpTo) }
            dealt.removeAll(keepingCapacity: true)
            head = 0
        } else if head > 4096, head * 2 > dealt.count {
            dealt.removeFirst(head)
            head = 0
        }
    }
}

/// Which lane a record belongs to: one key's records all go to one lane, wherever and whenever they are read.
package struct LaneDealer: Hashable, Sendable {
    package let count: Int

    package init(count: Int) {
        precondition(count > 0, "a shard has at least one lane")
        self.count = count
    }

    /// By FNV-1a of the partition key.
    ///
    /// It is stored what a lane has done: the hash must never change.
    package func lane(of key: some Sequence<UInt8>) -> Int {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in key { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        // The low bits of this hash follow those of the key: the high ones are mixed in.
        hash ^= hash >> 32
        return Int(hash % UInt64(count))
    }

    /// The places of a batch's records by lane.
    package func deal(_ batch: RecordBatch) -> [[UInt32]] {
        var lanes = [[UInt32]](repeating: [], count: count)
        for index in 0..<count { lanes[index].reserveCapacity(batch.count / count + 1) }
        batch.withUnsafeContents { bytes, entries in
            for (index, entry) in entries.enumerated() {
                lanes[lane(of: UnsafeRawBufferPointer(rebasing: bytes[entry.keyRange]))].append(UInt32(index))
            }
        }
        return lanes
    }
}
