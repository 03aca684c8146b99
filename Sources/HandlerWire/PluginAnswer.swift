package import StreamCore

/// What a plugin answers to one invocation.
///
/// After the prefix: invocation number (8), status (4), length of the error's type (4), the first failed
/// record's sequence number (three words of 8), then the error's type and message, or the state of the tumbling
/// window that the function returned; the length of a state is that of the type plus one, so that zero says that
/// there is none.
package struct PluginAnswer: Hashable, Sendable {
    package enum Result: Hashable, Sendable {
        case succeeded
        /// Everything before this record is done.
        case failedFrom(SequenceNumber)
        case failed(type: String, message: String)
    }

    private static let fixedBytes = 40

    package let number: UInt64
    package let result: Result
    /// JSON that the function hands to the next invocation of the tumbling window; `nil` when it returned none.
    package let state: [UInt8]?

    package init(number: UInt64, result: Result, state: [UInt8]? = nil) {
        self.number = number
        self.result = result
        self.state = state
    }

    /// Reads what follows the prefix.
    package init(body: UnsafeRawBufferPointer) throws(PluginFrameError) {
        guard body.count >= Self.fixedBytes else { throw .malformed("answer of \(body.count) bytes") }
        number = body.little(at: 0, as: UInt64.self)
        let status = body.little(at: 8, as: UInt32.self)
        let extra = Int(body.little(at: 12, as: UInt32.self))
        let typeEnd = Self.fixedBytes + extra
        if status < 2, extra > 0 {
            guard typeEnd - 1 == body.count else { throw .malformed("answer whose state passes its end") }
            state = Array(body[Self.fixedBytes...])
        } else {
            state = nil
        }
        switch status {
        case 0: result = .succeeded
        case 1:
            result = .failedFrom(
                SequenceNumber(
                    high: body.little(at: 16, as: UInt64.self),
                    middle: body.little(at: 24, as: UInt64.self),
                    low: body.little(at: 32, as: UInt64.self)
                )
            )
        case 2:
            guard typeEnd <= body.count else { throw .malformed("answer whose error type passes its end") }
            result = .failed(
                type: String(decoding: body[Self.fixedBytes..<typeEnd], as: UTF8.self),
                message: String(decoding: body[typeEnd...], as: UTF8.self)
            )
        default: throw .malformed("answer with unknown status \(status)")
        }
    }

    /// The whole frame, with type and message each cut to 64 KiB.
    package var frame: [UInt8] {
        var frame = PluginFrame.begin(.answer, capacity: Self.fixedBytes)
        frame.append(little: number)
        switch result {
        case .succeeded:
            append(to: &frame, status: 0, extra: state.map { $0.count + 1 } ?? 0)
            frame += state ?? []
        case .failedFrom(let number):
            append(to: &frame, status: 1, extra: state.map { $0.count + 1 } ?? 0, sequenceNumber: number)
            frame += state ?? []
        case .failed(let type, let message):
            let type = PluginFrame.bounded(type)
            append(to: &frame, status: 2, extra: type.count)
            frame += type
            frame += PluginFrame.bounded(message)
        }
        PluginFrame.finish(&frame)
        return frame
    }

    private func append(
        to frame: inout [UInt8],
        status: UInt32,
        extra: Int = 0,
        sequenceNumber: SequenceNumber = .zero
    ) {
        frame.append(little: status)
        frame.append(little: UInt32(extra))
        frame.append(little: sequenceNumber.high)
        frame.append(little: sequenceNumber.middle)
        frame.append(little: sequenceNumber.low)
    }
}
