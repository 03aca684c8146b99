import HandlerWire
import Testing

@testable import HandlerProcess

struct LineCaptureTests {
    private func capture(_ pieces: [[UInt8]]) -> String {
        var capture = LineCapture()
        var lines: [UInt8] = []
        for piece in pieces {
            lines += piece.withUnsafeBytes { capture.append($0) }
        }
        lines += capture.finish()
        return String(decoding: lines, as: UTF8.self)
    }

    @Test(arguments: [1, 2, 5, 100])
    func `lines are the same however they arrive`(pieceBytes: Int) {
        let text = Array("one\n\ntwo\nthree".utf8)
        let pieces = stride(from: 0, to: text.count, by: pieceBytes).map {
            Array(text[$0..<min($0 + pieceBytes, text.count)])
        }

        #expect(capture(pieces) == "one\n\ntwo\nthree\n")
    }

    @Test func `a tagged line begins as those of Lambda's own loggers`() {
        let line = capture([TaggedLine.bytes("late", requestID: "r-9")])

        let fields = line.split(separator: "\t")
        #expect(fields.count == 4)
        #expect([fields[0], fields[2], fields[3]] == ["[INFO]", "r-9", "late\n"])
    }

    @Test func `a long line is cut and the next one is whole`() {
        let long = [UInt8](repeating: UInt8(ascii: "x"), count: 70_000)

        let lines = capture([long, long, Array("\nnext\n".utf8)]).split(separator: "\n")

        #expect(lines.map(\.utf8.count) == [65_536 + " … (cut)".utf8.count, 4])
    }
}
