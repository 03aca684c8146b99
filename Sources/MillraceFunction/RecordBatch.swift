import HandlerWire
import StreamCore

/// Records of one shard, in order.
public struct RecordBatch: Sendable {
    public let shardID: String
    public let streamARN: String
    public let count: Int

    private let buffer: FrameBuffer
    private let entriesStart: Int
    private let dataStart: Int
    private let baseOffset: Int

    init(header: InvocationHeader, buffer: FrameBuffer) {
        shardID = header.shardID
        streamARN = header.streamARN
        count = header.recordCount
        self.buffer = buffer
        entriesStart = header.entriesStart
        dataStart = header.dataStart
        baseOffset = Int(header.baseOffset)
    }

    func entry(at position: Int) -> RecordEntry {
        let stride = MemoryLayout<RecordEntry>.stride
        return buffer.base.load(fromByteOffset: entriesStart + position * stride, as: RecordEntry.self)
    }

    func contains(_ number: SequenceNumber) -> Bool {
        (0..<count).contains { entry(at: $0).sequenceNumber == number }
    }
}

extension RecordBatch: RandomAccessCollection {
    public var startIndex: Int { 0 }
    public var endIndex: Int { count }

    public subscript(position: Int) -> Record {
        precondition(position >= 0 && position < count, "index out of range")
        let entry = entry(at: position)
        return Record(buffer: buffer, entry: entry, keyStart: dataStart + Int(entry.offset) - baseOffset)
    }
}
