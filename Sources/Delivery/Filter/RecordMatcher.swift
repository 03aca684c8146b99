import ByteCoding
import StreamCore

/// Runs a program on one record after the other, in one pass over each payload and without allocating.
struct RecordMatcher {
    private let conditions: FilterConditions
    private let bytes: UnsafeRawBufferPointer
    private var digits = SequenceDigits()

    /// - Parameter bytes: Those of the batch.
    init(_ conditions: FilterConditions, _ bytes: UnsafeRawBufferPointer) {
        self.conditions = conditions
        self.bytes = bytes
    }

    mutating func matches(_ entry: RecordEntry) -> Bool {
        conditions.forgetAll()
        testMetadata(entry)
        // A payload that the metadata has decided about is not looked at.
        var isOpen = false
        let program = conditions.program
        for clause in program.pointee.clauses where conditions.holds(clause.metadata) {
            if !clause.namesData {
                if conditions.areMissing(clause.absent) { return true }
            } else {
                isOpen = true
            }
        }
        guard isOpen, let data = program.pointee.data, read(entry.payloadRange, at: data) else {
            return false
        }
        for clause in program.pointee.clauses
        where clause.namesData && conditions.holds(clause.metadata) && conditions.holds(clause.data) {
            if conditions.areMissing(clause.absent) { return true }
        }
        return false
    }

    private mutating func testMetadata(_ entry: RecordEntry) {
        let (conditions, program) = (conditions, conditions.program)
        if let node = program.pointee.partitionKey {
            conditions.test(
                JSONScalar(.string, UnsafeRawBufferPointer(rebasing: bytes[entry.keyRange])),
                at: node
            )
        }
        if let node = program.pointee.sequenceNumber {
            withUnsafeTemporaryAllocation(byteCount: SequenceNumber.maximumDigits, alignment: 1) { room in
                guard let base = room.baseAddress else { return }
                let count = digits.write(entry.sequenceNumber, to: base)
                conditions.test(
                    JSONScalar(.string, UnsafeRawBufferPointer(rebasing: room[..<count])),
                    at: node
                )
            }
        }
        if let node = program.pointee.arrival {
            // Room for any 64-bit number and its point.
            withUnsafeTemporaryAllocation(byteCount: 32, alignment: 1) { room in
                guard let base = room.baseAddress else { return }
                var output = JSONOutput(base)
                output.append(seconds: entry.arrival.milliseconds)
                let text = UnsafeRawBufferPointer(rebasing: room[..<output.writtenBytes])
                conditions.test(JSONScalar(.number, text), at: node)
            }
        }
        if let node = program.pointee.schemaVersion {
            let version: StaticString = "1.0"
            let text = UnsafeRawBufferPointer(start: version.utf8Start, count: version.utf8CodeUnitCount)
            conditions.test(JSONScalar(.string, text), at: node)
        }
    }

    /// - Returns: Whether the payload is JSON.
    private func read(_ payload: Range<Int>, at node: Int) -> Bool {
        var cursor = JSONCursor(UnsafeRawBufferPointer(rebasing: bytes[payload]))
        do throws(MalformedJSON) {
            try conditions.read(&cursor, at: node, depth: 0)
            try cursor.expectEnd()
            return true
        } catch {
            return false
        }
    }
}
