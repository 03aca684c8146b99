package import StreamCore
package import TestSupport
import Testing

/// What every `LogSource` does.
package enum LogSourceContract {
    /// A stream with two or more open shards and no records, and the means to write to it.
    package struct Subject: Sendable {
        package let source: any LogSource
        /// The clock by which reads wait.
        package let clock: TestClock
        /// How long a read is to wait for what was appended before it: not at all, unless records are on their way then.
        package let patience: Duration
        /// Appends one record; it can be read when the call returns.
        package let append:
            @Sendable (_ key: String, _ payload: [UInt8], ShardID) async throws -> SequenceNumber
        /// Closes a shard: no record follows.
        package let close: @Sendable (ShardID) async throws -> Void
        /// Splits and merges shards; `nil` for a source whose test cannot.
        package let reshards: Reshards?

        package init(
            source: any LogSource,
            clock: TestClock,
            patience: Duration = .zero,
            reshards: Reshards? = nil,
            append:
                @escaping @Sendable (_ key: String, _ payload: [UInt8], ShardID) async throws ->
                SequenceNumber,
            close: @escaping @Sendable (ShardID) async throws -> Void
        ) {
            self.source = source
            self.clock = clock
            self.patience = patience
            self.reshards = reshards
            self.append = append
            self.close = close
        }
    }

    /// How the shards of a stream are split and merged.
    package struct Reshards: Sendable {
        /// - Returns: The two children.
        package let split: @Sendable (ShardID) async throws -> [ShardID]
        /// Merges neighbours, the first with the lower hash keys.
        ///
        /// - Returns: The child.
        package let merge: @Sendable (ShardID, ShardID) async throws -> ShardID

        package init(
            split: @escaping @Sendable (ShardID) async throws -> [ShardID],
            merge: @escaping @Sendable (ShardID, ShardID) async throws -> ShardID
        ) {
            self.split = split
            self.merge = merge
        }
    }

    package static let rules =
        shardRules + readingRules + positionRules + waitingRules + watchingRules + endRules + reshardRules
}

// MARK: - Shards

extension LogSourceContract {
    private static let shardRules: [ContractRule<Subject>] = [
        ContractRule("the open shards cover every hash key once") { subject in
            let ranges = try await subject.source.shards().filter(\.isOpen).map(\.hashKeyRange)
                .sorted { $0.start < $1.start }

            #expect(ranges.first?.start == 0)
            #expect(ranges.last?.end == .max)
            for (left, right) in zip(ranges, ranges.dropFirst()) { #expect(left.end + 1 == right.start) }
        },
        ContractRule("a reader of a shard that does not exist is refused") { subject in
            await #expect(throws: ShardNotFound.self) {
                _ = try await subject.source.reader(of: "shardId-999999999999", from: .trimHorizon)
            }
        },
    ]
}

// MARK: - Reading

extension LogSourceContract {
    private static let readingRules: [ContractRule<Subject>] = [
        ContractRule("records are read as they were appended, in order, under growing numbers") { subject in
            let shard = try await subject.shard()
            let numbers = try await subject.append(5, to: shard)

            let batch = try await subject.readAll(shard, from: .trimHorizon)

            #expect(batch.entries.map(\.sequenceNumber) == numbers)
            #expect(numbers == numbers.sorted())
            #expect(Set(numbers).count == 5)
            #expect(batch.entries.indices.map(batch.partitionKey) == (0..<5).map { "key-\($0)" })
            #expect(batch.entries.indices.map(batch.payload) == (0..<5).map { [UInt8($0), 7] })
            let arrivals = batch.entries.map(\.arrival)
            #expect(arrivals == arrivals.sorted())
        },
        ContractRule("each shard has its own records") { subject in
            let shards = try await subject.source.shards().map(\.id)
            let first = try await subject.append(2, to: shards[0])
            let second = try await subject.append(3, to: shards[1])

            #expect(
                try await subject.readAll(shards[0], from: .trimHorizon).entries.map(\.sequenceNumber)
                    == first
            )
            #expect(
                try await subject.readAll(shards[1], from: .trimHorizon).entries.map(\.sequenceNumber)
                    == second
            )
        },
        ContractRule("a read stops at its most records, and the next goes on there") { subject in
            let shard = try await subject.shard()
            let numbers = try await subject.append(5, to: shard)
            let reader = try await subject.source.reader(of: shard, from: .trimHorizon)

            let first = try await reader.read(maxRecords: 3, maxBytes: 1 << 20, wait: .zero)
            let second = try await reader.read(maxRecords: 3, maxBytes: 1 << 20, wait: .zero)

            #expect(first.batch.entries.map(\.sequenceNumber) == Array(numbers[..<3]))
            #expect(second.batch.entries.map(\.sequenceNumber) == Array(numbers[3...]))
            #expect(second.millisBehindLatest == 0)
        },
        ContractRule("a read stops before the record that passes its most bytes") { subject in
            let shard = try await subject.shard()
            let numbers = try await subject.append(5, to: shard)
            let reader = try await subject.source.reader(of: shard, from: .trimHorizon)

            // A record has a key of five bytes and a payload of two.
            let exact = try await reader.read(maxRecords: 100, maxBytes: 14, wait: .zero)
            let short = try await reader.read(maxRecords: 100, maxBytes: 13, wait: .zero)

            #expect(exact.batch.entries.map(\.sequenceNumber) == Array(numbers[..<2]))
            #expect(short.batch.entries.map(\.sequenceNumber) == [numbers[2]])
        },
        ContractRule("a first record comes however large it is") { subject in
            let shard = try await subject.shard()
            let number = try await subject.append("key", [UInt8](repeating: 1, count: 1000), shard)
            let reader = try await subject.source.reader(of: shard, from: .trimHorizon)

            let result = try await reader.read(maxRecords: 100, maxBytes: 10, wait: .zero)

            #expect(result.batch.entries.map(\.sequenceNumber) == [number])
        },
    ]
}

// MARK: - Positions

extension LogSourceContract {
    private static let positionRules: [ContractRule<Subject>] = [
        ContractRule("reading starts at a sequence number, or after it") { subject in
            let shard = try await subject.shard()
            let numbers = try await subject.append(4, to: shard)

            let at = try await subject.readAll(shard, from: .atSequenceNumber(numbers[2]))
            let after = try await subject.readAll(shard, from: .afterSequenceNumber(numbers[2]))

            #expect(at.entries.map(\.sequenceNumber) == Array(numbers[2...]))
            #expect(after.entries.map(\.sequenceNumber) == Array(numbers[3...]))
        },
        ContractRule("reading from LATEST starts with the records that are appended then") { subject in
            let shard = try await subject.shard()
            _ = try await subject.append(2, to: shard)
            let reader = try await subject.source.reader(of: shard, from: .latest)

            let later = try await subject.append(2, to: shard)

            var read: [SequenceNumber] = []
            for _ in later where read.count < later.count {
                let result = try await reader.read(
                    maxRecords: 100,
                    maxBytes: 1 << 20,
                    wait: subject.patience
                )
                read += result.batch.entries.map(\.sequenceNumber)
            }
            #expect(read == later)
        },
        ContractRule("reading from a time starts with the first record that arrived then or later") {
            subject in
            let shard = try await subject.shard()
            _ = try await subject.append(3, to: shard)
            let all = try await subject.readAll(shard, from: .trimHorizon).entries
            let time = try #require(all.last?.arrival)

            let same = try await subject.readAll(shard, from: .atTimestamp(time))
            let later = try await subject.readAll(shard, from: .atTimestamp(time.advanced(byMilliseconds: 1)))

            #expect(same.entries == same.entries.filter { $0.arrival >= time })
            #expect(same.count == all.count { $0.arrival >= time })
            #expect(later.isEmpty)
        },
        ContractRule("LATEST is pinned to the place that it names now, also in an empty shard") { subject in
            for existing in [0, 2] {
                let shard = try await subject.source.shards()[existing == 0 ? 0 : 1].id
                _ = try await subject.append(existing, to: shard)

                let pinned = try await subject.source.pin(.latest, in: shard)
                let later = try await subject.append(2, to: shard)

                let position = try #require(pinned.resumePosition)
                #expect(position != .latest)
                #expect(
                    try await subject.readAll(shard, from: position).entries.map(\.sequenceNumber) == later
                )
            }
        },
        ContractRule("the other starting positions are pinned as they are") { subject in
            let shard = try await subject.shard()
            let time = StartingPosition.atTimestamp(Timestamp(milliseconds: 1_700_000_000_000))

            #expect(try await subject.source.pin(.trimHorizon, in: shard) == .start(.trimHorizon))
            #expect(try await subject.source.pin(time, in: shard) == .start(time))
        },
    ]
}

// MARK: - Waiting

extension LogSourceContract {
    private static let waitingRules: [ContractRule<Subject>] = [
        ContractRule("a read that does not wait answers at once when there is nothing") { subject in
            let reader = try await subject.source.reader(of: try await subject.shard(), from: .trimHorizon)

            let result = try await reader.read(maxRecords: 100, maxBytes: 1 << 20, wait: .zero)

            #expect(result.batch.isEmpty)
            #expect(result.millisBehindLatest == 0)
            #expect(!result.isEnd)
        },
        ContractRule("a read that waits answers when a record comes") { subject in
            let shard = try await subject.shard()
            let reader = try await subject.source.reader(of: shard, from: .trimHorizon)
            async let result = reader.read(maxRecords: 100, maxBytes: 1 << 20, wait: .seconds(60))
            await subject.clock.waitForSleepers()

            let number = try await subject.append("key", [1], shard)

            #expect(try await result.batch.entries.map(\.sequenceNumber) == [number])
        },
        ContractRule("a read that waits answers empty when its time is over") { subject in
            let reader = try await subject.source.reader(of: try await subject.shard(), from: .trimHorizon)
            async let result = reader.read(maxRecords: 100, maxBytes: 1 << 20, wait: .seconds(60))
            await subject.clock.waitForSleepers()

            subject.clock.advance(by: .seconds(60))

            #expect(try await result.batch.isEmpty)
        },
        ContractRule("a cancelled read skips nothing") { subject in
            let shard = try await subject.shard()
            let reader = try await subject.source.reader(of: shard, from: .trimHorizon)
            let reading = Task {
                try await reader.read(maxRecords: 100, maxBytes: 1 << 20, wait: .seconds(60))
            }
            await subject.clock.waitForSleepers()

            reading.cancel()
            await #expect(throws: CancellationError.self) { _ = try await reading.value }
            let number = try await subject.append("key", [1], shard)

            let next = try await reader.read(maxRecords: 100, maxBytes: 1 << 20, wait: subject.patience)
            #expect(next.batch.entries.map(\.sequenceNumber) == [number])
        },
    ]
}

// MARK: - Watching

extension LogSourceContract {
    /// For readers that can be watched.
    private static let watchingRules: [ContractRule<Subject>] = [
        ContractRule("a watch tells once of the record that follows what was read") { subject in
            let shard = try await subject.shard()
            _ = try await subject.append(2, to: shard)
            let reader = try await subject.source.reader(of: shard, from: .trimHorizon)
            guard let watched = reader as? any WatchableShardReader else { return }
            while try await reader.read(maxRecords: 1, maxBytes: 1 << 20, wait: .zero).batch.count > 0 {}
            let told = Recorder<Int>()

            _ = watched.watch { told.append(1) }
            #expect(told.events.isEmpty)
            _ = try await subject.append(2, to: shard)
            await told.wait(for: 1)

            let read = try await reader.read(maxRecords: 10, maxBytes: 1 << 20, wait: .zero)
            #expect(read.batch.count > 0)
            #expect(told.events == [1])
        },
        ContractRule("a watch tells at once when there is something to read") { subject in
            let shard = try await subject.shard()
            _ = try await subject.append(1, to: shard)
            let reader = try await subject.source.reader(of: shard, from: .trimHorizon)
            guard let watched = reader as? any WatchableShardReader else { return }
            let told = Recorder<Int>()

            _ = watched.watch { told.append(1) }

            #expect(told.events == [1])
        },
        ContractRule("a watch tells of the end of the shard, before and after it") { subject in
            let shard = try await subject.shard()
            let reader = try await subject.source.reader(of: shard, from: .trimHorizon)
            guard let watched = reader as? any WatchableShardReader else { return }
            let told = Recorder<Int>()

            _ = watched.watch { told.append(1) }
            try await subject.close(shard)
            await told.wait(for: 1)
            _ = watched.watch { told.append(2) }

            #expect(told.events == [1, 2])
        },
        ContractRule("a watch that was dropped tells nothing") { subject in
            let shard = try await subject.shard()
            let reader = try await subject.source.reader(of: shard, from: .trimHorizon)
            guard let watched = reader as? any WatchableShardReader else { return }
            let (dropped, kept) = (Recorder<Int>(), Recorder<Int>())

            let drop = watched.watch { dropped.append(1) }
            _ = watched.watch { kept.append(1) }
            drop()
            _ = try await subject.append(1, to: shard)
            await kept.wait(for: 1)

            #expect(dropped.events.isEmpty)
        },
    ]
}

// MARK: - The end of a shard

extension LogSourceContract {
    private static let endRules: [ContractRule<Subject>] = [
        ContractRule("a closed shard is read to its last record and then says so") { subject in
            let shard = try await subject.shard()
            let numbers = try await subject.append(3, to: shard)
            try await subject.close(shard)
            let reader = try await subject.source.reader(of: shard, from: .trimHorizon)

            var (read, isEnd): ([SequenceNumber], Bool) = ([], false)
            // One read for each record, and one that may find nothing but the end.
            for _ in 0...numbers.count where !isEnd {
                let result = try await reader.read(maxRecords: 1, maxBytes: 1 << 20, wait: subject.patience)
                read += result.batch.entries.map(\.sequenceNumber)
                isEnd = result.isEnd
            }

            #expect(read == numbers)
            #expect(isEnd)
            let ending = try await subject.source.shards().first { $0.id == shard }?.endingSequenceNumber
            #expect(try #require(ending) >= numbers[2])
        },
        ContractRule("a read that waits answers when the shard is closed") { subject in
            let shard = try await subject.shard()
            let reader = try await subject.source.reader(of: shard, from: .trimHorizon)
            async let result = reader.read(maxRecords: 100, maxBytes: 1 << 20, wait: .seconds(60))
            await subject.clock.waitForSleepers()

            try await subject.close(shard)

            #expect(try await result.isEnd)
        },
    ]
}

// MARK: - Splits and merges

extension LogSourceContract {
    private static let reshardRules: [ContractRule<Subject>] = [
        ContractRule("children follow their parent in the list, share its keys and have larger numbers") {
            subject in
            guard let reshards = subject.reshards else { return }
            let parent = try await subject.shard()
            let numbers = try await subject.append(2, to: parent)

            let children = try await reshards.split(parent)
            let later = try await subject.append(1, to: children[1])

            let shards = try await subject.source.shards()
            let places = (children + [parent]).map { id in shards.firstIndex { $0.id == id } ?? -1 }
            #expect(places.min() == places[2])
            let found = children.compactMap { id in shards.first { $0.id == id } }
            #expect(found.map(\.parents) == [[parent], [parent]])
            let range = shards[places[2]].hashKeyRange
            #expect(found.first?.hashKeyRange.start == range.start)
            #expect(found.last?.hashKeyRange.end == range.end)
            #expect(numbers[1] < later[0])
            #expect(shards.filter { $0.id == parent }.allSatisfy { !$0.isOpen })
        },
        ContractRule("merged shards both end, and are both parents of the child") { subject in
            guard let reshards = subject.reshards else { return }
            let open = try await subject.source.shards().filter(\.isOpen)
                .sorted { $0.hashKeyRange.start < $1.hashKeyRange.start }
            let (left, right) = (open[0], open[1])
            let number = try await subject.append(1, to: right.id)[0]

            let child = try await reshards.merge(left.id, right.id)
            let later = try await subject.append(1, to: child)

            let found = try #require(try await subject.source.shards().first { $0.id == child })
            #expect(Set(found.parents) == [left.id, right.id])
            #expect(found.hashKeyRange.start == left.hashKeyRange.start)
            #expect(found.hashKeyRange.end == right.hashKeyRange.end)
            #expect(number < later[0])
            #expect(try await subject.readAll(child, from: .trimHorizon).entries.count == 1)
        },
        ContractRule("LATEST of a closed shard is its end") { subject in
            guard let reshards = subject.reshards else { return }
            let parent = try await subject.shard()
            _ = try await subject.append(2, to: parent)
            _ = try await reshards.split(parent)

            let reader = try await subject.source.reader(of: parent, from: .latest)

            let result = try await reader.read(maxRecords: 100, maxBytes: 1 << 20, wait: subject.patience)
            #expect(result.batch.isEmpty && result.isEnd)
        },
    ]
}

extension LogSourceContract.Subject {
    fileprivate func shard() async throws -> ShardID {
        try #require(try await source.shards().first { $0.isOpen }?.id)
    }

    /// Appends records `key-0`, `key-1` and so on with payloads of two bytes.
    fileprivate func append(_ count: Int, to shard: ShardID) async throws -> [SequenceNumber] {
        var numbers: [SequenceNumber] = []
        for index in 0..<count { numbers.append(try await append("key-\(index)", [UInt8(index), 7], shard)) }
        return numbers
    }

    fileprivate func readAll(_ shard: ShardID, from position: Position) async throws -> RecordBatch {
        let reader = try await source.reader(of: shard, from: position)
        var all = RecordBatch.empty
        while true {
            let batch = try await reader.read(maxRecords: 1000, maxBytes: 1 << 20, wait: .zero).batch
            guard !batch.isEmpty else { return all }
            all.append(batch)
        }
    }
}
