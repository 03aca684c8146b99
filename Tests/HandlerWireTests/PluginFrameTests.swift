import HandlerWire
import StreamCore
import TestSupport
import Testing

struct PluginFrameTests {
    private func bytes(of frame: InvocationFrame) -> [UInt8] {
        frame.withSlices { Array($0) + Array($1) + Array($2) }
    }

    private func header(of frame: [UInt8]) throws -> InvocationHeader {
        try frame.withUnsafeBytes { try InvocationHeader(body: UnsafeRawBufferPointer(rebasing: $0[8...])) }
    }

    @Test func `an invocation's fixed part is laid out as documented`() {
        let batch = makeBatch([("k", [7])])

        let frame = bytes(
            of: InvocationFrame(number: 5, records: batch.all, context: sampleContext, timeout: .seconds(3))
        )

        let length = UInt32(frame.count - 8)
        #expect(Array(frame[..<4]) == withUnsafeBytes(of: length.littleEndian, Array.init))
        #expect(Array(frame[4..<8]) == [2, 2, 0, 0])
        #expect(Array(frame[8..<28]) == [5, 0, 0, 0, 0, 0, 0, 0, 0xB8, 0x0B, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0])
        #expect(Array(frame[28..<40]) == [2, 0, 0, 0, 36, 0, 53, 0, 20, 0, 53, 0])
        #expect(Array(frame.suffix(2)) == [UInt8(ascii: "k"), 7])
    }

    @Test(arguments: [RecordSelection.Indices.range(1..<4), .list([0, 2, 4])])
    func `a plugin finds the selected records and the context`(indices: RecordSelection.Indices) throws {
        let batch = makeBatch((0..<5).map { ("key-\($0)", [UInt8](repeating: UInt8($0), count: 100 * $0)) })
        let selection = RecordSelection(batch: batch, indices: indices)

        let frame = bytes(
            of: InvocationFrame(number: 9, records: selection, context: sampleContext, timeout: .seconds(1))
        )
        let header = try header(of: frame)

        #expect(header.number == 9)
        #expect(header.timeout == .seconds(1))
        #expect(header.requestID == sampleContext.requestID)
        #expect(header.shardID == sampleContext.shard.text)
        #expect(header.functionARN == sampleContext.functionARN)
        #expect(header.entriesStart % 8 == 0)
        let body = Array(frame[8...])
        let found = (0..<header.recordCount).map { index -> [UInt8] in
            let entry = body.withUnsafeBytes {
                $0.loadUnaligned(fromByteOffset: header.entriesStart + index * 48, as: RecordEntry.self)
            }
            let start = header.dataStart + Int(entry.offset - header.baseOffset)
            return Array(body[start..<start + entry.dataBytes])
        }
        let expected = (0..<selection.count).map { index in
            Array(batch.bytes[selection[index].keyRange]) + Array(batch.bytes[selection[index].payloadRange])
        }
        #expect(found == expected)
    }

    @Test func `a contiguous selection is sent from the batch's own memory`() {
        let batch = makeBatch((0..<10).map { ("key-\($0)", [1, 2, 3]) })
        let frame = InvocationFrame(
            number: 1,
            records: batch.all.dropFirst(4),
            context: sampleContext,
            timeout: .seconds(1)
        )

        let isSameMemory = batch.withUnsafeContents { bytes, _ in
            frame.withSlices { _, _, data in data.baseAddress == bytes.baseAddress.map { $0 + 4 * 8 } }
        }

        #expect(isSameMemory)
    }

    @Test func `a record outside of its frame is refused`() throws {
        let batch = makeBatch([("key", [1, 2, 3])])
        var frame = bytes(
            of: InvocationFrame(number: 1, records: batch.all, context: sampleContext, timeout: .zero)
        )
        let entriesStart = try header(of: frame).entriesStart
        frame[8 + entriesStart + 36] = 200

        #expect(throws: PluginFrameError.self) { try header(of: frame) }
    }

    @Test(arguments: [
        PluginAnswer.Result.succeeded,
        .failedFrom(SequenceNumber(high: 1, middle: 2, low: 3)),
        .failed(type: "ParseError", message: "line 3 has no tail number"),
    ])
    func `an answer is read as it was written, however it is cut up`(result: PluginAnswer.Result) throws {
        let answer = PluginAnswer(number: 77, result: result)
        let bytes = PluginMessage.helloFrame(initError: nil) + answer.frame
        for pieceBytes in [1, 3, 8, 1000] {
            var reader = PluginMessageReader()
            var messages: [PluginMessage] = []
            for start in stride(from: 0, to: bytes.count, by: pieceBytes) {
                bytes[start..<min(start + pieceBytes, bytes.count)].withUnsafeBytes { reader.append($0) }
                while let message = try reader.next() { messages.append(message) }
            }

            #expect(messages == [.hello(initError: nil), .answer(answer)])
        }
    }

    @Test func `an error text is cut to 64 KiB between characters`() throws {
        let answer = PluginAnswer(
            number: 1,
            result: .failed(type: "E", message: String(repeating: "é", count: 40_000) + "x")
        )
        var reader = PluginMessageReader()
        answer.frame.withUnsafeBytes { reader.append($0) }

        let message = try reader.next()

        let expected = PluginAnswer.Result.failed(type: "E", message: String(repeating: "é", count: 32_768))
        #expect(message == .answer(PluginAnswer(number: 1, result: expected)))
    }

    @Test func `another version of the protocol is named`() {
        var frame = PluginMessage.helloFrame(initError: nil)
        frame[5] = 9
        var reader = PluginMessageReader()
        frame.withUnsafeBytes { reader.append($0) }

        #expect(throws: PluginFrameError.version(9)) { try reader.next() }
    }

    @Test func `bytes that are no frame are refused`() {
        var reader = PluginMessageReader()
        Array("HTTP/1.1 200 OK\r\n".utf8).withUnsafeBytes { reader.append($0) }

        #expect(throws: PluginFrameError.self) { try reader.next() }
    }

    @Test func `a tagged line says to which request it belongs`() {
        let bytes = TaggedLine.bytes("late flight", requestID: "r-1")

        let tag = bytes.withUnsafeBytes { TaggedLine.tag(of: $0) }

        #expect(tag?.requestID == "r-1")
        #expect(tag.map { String(decoding: bytes[$0.textStart...], as: UTF8.self) } == "late flight\n")
        #expect(Array("plain".utf8).withUnsafeBytes { TaggedLine.tag(of: $0) == nil })
    }
}
