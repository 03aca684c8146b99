import StreamCore

/// What a reshard does: which open shards it closes, and which shards it makes by splitting and merging.
///
/// A shard has one or two parents, so that some ways lead over shards that are closed as soon as they are made.
struct ReshardPlan: Equatable {
    /// A shard that the plan can split or merge.
    struct Piece: Equatable {
        let number: Int
        let createdSeconds: UInt32
        let range: HashKeyRange
    }

    /// The numbers of the open shards that it closes.
    private(set) var parents: [Int] = []
    /// In the order of their numbers, parents before children.
    private(set) var made: [ShardDescription] = []

    private let firstNumber: Int
    private let time: Timestamp

    /// - Parameters:
    ///   - firstNumber: That of the first shard it makes.
    ///   - time: Shards are created and closed then, as far as children can be younger than their parents.
    init(firstNumber: Int, time: Timestamp) {
        self.firstNumber = firstNumber
        self.time = time
    }

    /// Closes shards and makes others for the same hash keys.
    mutating func replace(_ replaced: [Piece], with ranges: [HashKeyRange]) -> [Piece] {
        precondition((1...2).contains(replaced.count), "a shard has one or two parents")
        for piece in replaced { close(piece) }
        let newest = replaced.map(\.createdSeconds).max() ?? 0
        // In the second after its parents' at the earliest: sequence numbers of children are larger.
        let createdSeconds = max(UInt32(clamping: time.milliseconds / 1000), newest + 1)
        return ranges.map { range in
            let shard = ShardDescription(
                number: firstNumber + made.count,
                createdSeconds: createdSeconds,
                range: range,
                parent: replaced.first?.number,
                adjacentParent: replaced.count > 1 ? replaced.last?.number : nil
            )
            made.append(shard)
            return Piece(shard)
        }
    }

    private mutating func close(_ piece: Piece) {
        guard piece.number >= firstNumber else {
            parents.append(piece.number)
            return
        }
        let index = piece.number - firstNumber
        made[index].endingSequenceNumber = made[index].numbers.number(0)
        made[index].closed = time
    }
}

extension ReshardPlan.Piece {
    init(_ shard: ShardDescription) {
        self.init(number: shard.number, createdSeconds: shard.createdSeconds, range: shard.range)
    }
}

// MARK: - Even ranges

extension ReshardPlan {
    /// Splits and merges until the shards have the ranges that a new stream of so many has.
    ///
    /// Shards that have one of those ranges already stay.
    ///
    /// - Parameter open: The open shards in the order of their hash keys, which cover all keys.
    mutating func spread(_ open: [Piece], over count: Int) {
        let targets = HashKeyRange.even(count: count)
        var pieces: [Piece] = []
        pieces.reserveCapacity(open.count + count)
        var next = 0
        for piece in open {
            while next < count, targets[next].start <= piece.range.start { next += 1 }
            let first = next
            while next < count, targets[next].start <= piece.range.end { next += 1 }
            cut(piece, at: targets[first..<next].map(\.start)[...], into: &pieces)
        }
        var begin = 0
        for target in targets where begin < pieces.count {
            var end = begin + 1
            while end < pieces.count, pieces[end].range.start <= target.end { end += 1 }
            _ = join(pieces[begin..<end])
            begin = end
        }
    }

    /// Cuts in halves, so that few generations lie between a shard and the last of its pieces.
    private mutating func cut(_ piece: Piece, at keys: ArraySlice<UInt128>, into pieces: inout [Piece]) {
        guard !keys.isEmpty else {
            pieces.append(piece)
            return
        }
        let middle = keys.startIndex + keys.count / 2
        let halves = replace(
            [piece],
            with: [
                HashKeyRange(start: piece.range.start, end: keys[middle] - 1),
                HashKeyRange(start: keys[middle], end: piece.range.end),
            ]
        )
        cut(halves[0], at: keys[..<middle], into: &pieces)
        cut(halves[1], at: keys[(middle + 1)...], into: &pieces)
    }

    private mutating func join(_ pieces: ArraySlice<Piece>) -> Piece {
        guard pieces.count > 1 else { return pieces[pieces.startIndex] }
        let middle = pieces.startIndex + pieces.count / 2
        let (left, right) = (join(pieces[..<middle]), join(pieces[middle...]))
        let range = HashKeyRange(start: left.range.start, end: right.range.end)
        return replace([left, right], with: [range])[0]
    }
}
