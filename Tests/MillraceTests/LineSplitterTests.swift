import Foundation
import Testing

@testable import millrace

@Suite struct LineSplitterTests {
    @Test func `empty lines are left out and still counted`() throws {
        var splitter = LineSplitter(maximumBytes: 100)

        let lines = try splitter.add(Data("one\n\n\nfour\n".utf8))

        #expect(lines == [line(1, "one"), line(4, "four")])
        #expect(splitter.finish() == nil)
    }

    @Test func `a last line needs no line feed`() throws {
        var splitter = LineSplitter(maximumBytes: 100)

        let lines = try splitter.add(Data("one\ntwo".utf8))

        #expect(lines == [line(1, "one")])
        #expect(splitter.finish() == line(2, "two"))
    }

    @Test(arguments: 1...13)
    func `lines are the same however their bytes are cut`(pieceBytes: Int) throws {
        let bytes = Data("one\n\ntwo\nx\n\n\nlast".utf8)
        var splitter = LineSplitter(maximumBytes: 100)
        var lines: [LineSplitter.Line] = []

        for start in stride(from: 0, to: bytes.count, by: pieceBytes) {
            lines += try splitter.add(bytes[start..<min(start + pieceBytes, bytes.count)])
        }
        if let last = splitter.finish() { lines.append(last) }

        #expect(lines == [line(1, "one"), line(3, "two"), line(4, "x"), line(7, "last")])
    }

    @Test func `a line may have the largest size and no byte more`() throws {
        var splitter = LineSplitter(maximumBytes: 5)

        #expect(try splitter.add(Data("\n12345\n12345".utf8)) == [line(2, "12345")])

        #expect(throws: LineSplitter.LineTooLong(number: 3)) { try splitter.add(Data("6".utf8)) }
    }

    private func line(_ number: Int, _ text: String) -> LineSplitter.Line {
        LineSplitter.Line(number: number, data: Data(text.utf8))
    }
}
