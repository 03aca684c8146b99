import Logging
import StreamCore

extension ShardLog {
    /// How many numbers are skipped when some may have been seen by readers and then lost.
    static let counterJump: UInt64 = 1 << 32

    /// What opening found that changes which numbers may be issued.
    struct RecoveryNotes {
        /// Called before anything is cut off: from then on the log remembers that numbers must be skipped.
        let willCut: () throws -> Void
        /// Some numbers may have been seen and then lost.
        let mustJump: Bool
    }

    /// Opens the segments of a shard: reads the last one from where its summary ends, and cuts off a torn tail.
    ///
    /// A shard that cannot be recovered answers every call with the reason; the others go on.
    static func recovered(
        stream: StreamName,
        numbers: ShardNumbers,
        directory: String,
        environment: LogEnvironment,
        notes: RecoveryNotes
    ) throws -> ShardLog {
        var state = State()
        var recovery = ShardRecovery(numbers: numbers, directory: directory, environment: environment)
        do {
            try recovery.run(into: &state, willCut: notes.willCut)
            if notes.mustJump || recovery.hasCut {
                state.nextCounter += counterJump
                state.isJumpUnproven = true
            }
        } catch {
            state.fault = error
            // Whatever could not be looked at may need its numbers skipped when it can.
            state.isJumpUnproven = true
            environment.logger.error(
                "shard cannot be recovered",
                metadata: [
                    "stream": "\(stream)", "shard": "\(ShardID(number: numbers.shard))", "error": "\(error)",
                ]
            )
        }
        for problem in recovery.problems {
            environment.logger.warning(
                "shard recovered with losses",
                metadata: [
                    "stream": "\(stream)", "shard": "\(ShardID(number: numbers.shard))",
                    "reason": "\(problem)",
                ]
            )
        }
        return ShardLog(
            stream: stream,
            numbers: numbers,
            directory: directory,
            environment: environment,
            state: state
        )
    }
}

/// Brings the files of one shard into a state from which appending can go on.
private struct ShardRecovery {
    let numbers: ShardNumbers
    let directory: String
    let environment: LogEnvironment
    var hasCut = false
    var problems: [String] = []

    mutating func run(into state: inout ShardLog.State, willCut: () throws -> Void) throws {
        guard let names = try SystemFiles.names(in: directory) else { return }
        var segments = names.compactMap(Segment.baseCounter(fileName:)).sorted().map {
            Segment(directory: directory, baseCounter: $0, numbers: numbers.prefix)
        }
        while let last = segments.last {
            guard let file = try open(last) else {
                segments.removeLast()
                continue
            }
            state.segments = segments
            try recover(file, into: &state, willCut: willCut)
            return
        }
    }

    /// - Returns: `nil` when a crash left the segment without a whole header, and so without records; it is removed.
    private func open(_ segment: Segment) throws -> SegmentFile? {
        do {
            return try SegmentFile.open(segment)
        } catch let error as LogCorrupted {
            let descriptor = try SystemFiles.open(segment.path, writing: false)
            defer { SystemFiles.close(descriptor) }
            let size = try SystemFiles.size(descriptor, path: segment.path)
            guard size <= SegmentHeader.byteCount else { throw error }
            try SystemFiles.remove(segment.path)
            return nil
        }
    }

    private mutating func recover(
        _ file: SegmentFile,
        into state: inout ShardLog.State,
        willCut: () throws -> Void
    ) throws {
        let size = try file.size()
        let known = summaryToContinue(of: file, size: size)
        if hasCut { try willCut() }
        let scan = try SegmentScan(of: file, continuing: known, to: size, now: environment.now)
        state.nextCounter = scan.newestCounter + 1
        state.newestArrival = scan.newestArrival
        state.visibleCounter = scan.newestCounter
        state.visibleArrival = scan.newestArrival

        switch scan.tail {
        case .whole:
            // What was written and not synced when the process died becomes visible only once it is safe.
            if scan.summary.end > known.end { try environment.options.files.sync(file.descriptor, file.path) }
        case .torn(let offset):
            hasCut = true
            try willCut()
            try file.truncate(to: offset)
            try environment.options.files.sync(file.descriptor, file.path)
            problems.append(
                "cut \(size - offset) bytes of an incomplete write off \(file.path) at byte \(offset)"
            )
            // Numbers behind the cut stay unused, so that only records that exist are waited for.
            state.visibleCounter = scan.summary.lastCounter
            state.visibleArrival = scan.summary.lastArrival
        case .damaged(let offset):
            // The segment stays as it is, for readers to stop at and for a person to repair; records go to a new one.
            hasCut = true
            let damage = LogCorrupted(file: file.path, offset: offset)
            problems.append("\(damage); \(damage.hint)")
            try willCut()
            return
        }
        environment.cache.insert(file)
        state.active = ShardLog.ActiveSegment(
            segment: file.segment,
            createdMilliseconds: file.header.createdMilliseconds,
            salt: file.header.salt,
            summary: scan.summary,
            syncedEnd: scan.summary.end,
            isSummaryStored: !hasCut && scan.summary == known && known.recordCount > 0
        )
    }

    /// The stored summary, unless the segment is shorter than it says: then records are gone that were synced.
    private mutating func summaryToContinue(of file: SegmentFile, size: Int) -> SegmentSummary {
        let empty = SegmentSummary(emptyAfter: file.header)
        guard let stored = file.storedSummary() else { return empty }
        guard stored.end > size else { return stored }
        hasCut = true
        problems.append("\(file.path) has \(size) bytes, \(stored.end) were synced when it was closed")
        return empty
    }
}
