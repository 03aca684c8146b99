import HandlerWire
import StreamCore

/// How a batch went.
public struct BatchResponse: Sendable {
    enum Failed {
        case record(SequenceNumber)
        case sequenceNumber(String)
    }

    let failed: [Failed]
    private(set) var state: [UInt8]?

    /// Every record is done.
    public static let success = BatchResponse(failed: [])

    /// These records failed; the first of them and everything after it is delivered again.
    ///
    /// None of them means success.
    public static func failed(_ records: some Sequence<Record>) -> BatchResponse {
        BatchResponse(failed: records.map { .record($0.entry.sequenceNumber) })
    }

    /// The same by sequence number; a number that is not in the batch fails the whole batch.
    public static func failed(sequenceNumbers: some Sequence<String>) -> BatchResponse {
        BatchResponse(failed: sequenceNumbers.map { .sequenceNumber($0) })
    }

    /// The same with the state of the tumbling window: JSON, which the next batch of the window gets.
    ///
    /// A batch of a window fails without one, as on Lambda; outside of a window it is not looked at.
    public func with(state: some Sequence<UInt8>) -> BatchResponse {
        var response = self
        response.state = Array(state)
        return response
    }

    /// - Throws: When the state is longer than any answer may be.
    func checkedState() throws -> [UInt8]? {
        guard let state, state.count > PluginFrame.maximumStateBytes else { return state }
        throw StateTooLarge(bytes: state.count)
    }

    /// The first record that failed; `nil` when none did.
    func firstFailed(in batch: RecordBatch) throws -> SequenceNumber? {
        try failed.map { try number(of: $0, in: batch) }.min()
    }

    private func number(of item: Failed, in batch: RecordBatch) throws -> SequenceNumber {
        switch item {
        case .record(let number):
            guard batch.contains(number) else { throw UnknownRecord(sequenceNumber: number.description) }
            return number
        case .sequenceNumber(let text):
            guard let number = SequenceNumber(text[...]), batch.contains(number) else {
                throw UnknownRecord(sequenceNumber: text)
            }
            return number
        }
    }
}

/// A response named a record that the batch does not have.
struct UnknownRecord: Error, CustomStringConvertible {
    let sequenceNumber: String
    var description: String { "the response names record \(sequenceNumber), which is not in the batch" }
}

/// A response brought a state that no answer can carry.
struct StateTooLarge: Error, CustomStringConvertible {
    let bytes: Int
    var description: String {
        "the window's state has \(bytes) bytes, the limit of an answer is \(PluginFrame.maximumStateBytes)"
    }
}
