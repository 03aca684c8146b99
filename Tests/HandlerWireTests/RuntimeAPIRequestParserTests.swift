import HandlerWire
import Testing

struct RuntimeAPIRequestParserTests {
    private func events(_ text: String, pieceBytes: Int = .max) throws -> [RuntimeAPIRequestParser.Event] {
        var parser = RuntimeAPIRequestParser()
        var events: [RuntimeAPIRequestParser.Event] = []
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            rest.prefix(pieceBytes).withUnsafeBytes { parser.append($0) }
            rest = rest.dropFirst(pieceBytes)
            while let event = try parser.next() { events.append(event) }
        }
        return events
    }

    private func requests(_ text: String, pieceBytes: Int = .max) throws -> [RuntimeAPIRequest] {
        try events(text, pieceBytes: pieceBytes).compactMap {
            if case .request(let request) = $0 { request } else { nil }
        }
    }

    private let next = "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"

    @Test(arguments: [
        ("GET", "/2018-06-01/runtime/invocation/next", RuntimeAPIRequest.Route.next),
        ("POST", "/2018-06-01/runtime/invocation/r-1/response", .response(requestID: "r-1")),
        ("POST", "/2018-06-01/runtime/invocation/r-1/error", .error(requestID: "r-1")),
        ("POST", "/2018-06-01/runtime/init/error", .initError),
        ("POST", "/2018-06-01/runtime/invocation/next", .wrongMethod),
        ("GET", "/2018-06-01/runtime/invocation/r-1/response", .wrongMethod),
        ("GET", "/2018-06-01/runtime", .unknown),
        ("GET", "/2015-03-31/functions", .unknown),
        ("GET", "/", .unknown),
    ])
    func `each path of the Runtime API has its route`(
        method: String,
        path: String,
        route: RuntimeAPIRequest.Route
    ) throws {
        let found = try requests("\(method) \(path) HTTP/1.1\r\n\r\n").map(\.route)

        #expect(found == [route])
    }

    @Test(arguments: [1, 2, 7, 64, Int.max])
    func `requests are the same however they arrive`(pieceBytes: Int) throws {
        let text =
            next
            + "POST /2018-06-01/runtime/invocation/r-1/response HTTP/1.1\r\ncontent-LENGTH:  5 \r\n\r\nhello"
            + "POST /2018-06-01/runtime/invocation/r-2/error HTTP/1.1\r\nTransfer-Encoding: chunked\r\n"
            + "Lambda-Runtime-Function-Error-Type: Runtime.Bad\r\nConnection: close\r\n\r\n"
            + "3\r\nabc\r\nA;note=1\r\n0123456789\r\n0\r\nTrailer: 1\r\n\r\n"

        let found = try requests(text, pieceBytes: pieceBytes)

        #expect(found.map(\.route) == [.next, .response(requestID: "r-1"), .error(requestID: "r-2")])
        #expect(found.map { String(decoding: $0.body, as: UTF8.self) } == ["", "hello", "abc0123456789"])
        #expect(found.map(\.errorType) == [nil, nil, "Runtime.Bad"])
        #expect(found.map(\.isKeptAlive) == [true, true, false])
    }

    @Test func `a header field of 1 MiB is passed over`() throws {
        let cause = String(repeating: "x", count: 1 << 20)
        let text =
            "POST /2018-06-01/runtime/invocation/r/error HTTP/1.1\r\n"
            + "lambda-runtime-function-xray-error-cause: \(cause)\r\nContent-Length: 2\r\n\r\n{}"

        let found = try requests(text, pieceBytes: 65_536)

        #expect(found.map(\.body) == [Array("{}".utf8)])
    }

    @Test func `a head without end is refused at 2 MiB`() {
        let text = "GET / HTTP/1.1\r\nx: " + String(repeating: "y", count: (2 << 20) + 1)

        let error = #expect(throws: RuntimeAPIProtocolError.self) { try requests(text, pieceBytes: 65_536) }
        #expect(error?.status == 431)
    }

    @Test func `a body over the limit is counted and not kept`() throws {
        let bytes = RuntimeAPIRequestParser.maximumBodyBytes + 5
        let text =
            "POST /2018-06-01/runtime/invocation/r/response HTTP/1.1\r\nContent-Length: \(bytes)\r\n\r\n"
            + String(repeating: "z", count: bytes)

        let found = try requests(text, pieceBytes: 1 << 20)

        #expect(found.map(\.bodyBytes) == [bytes])
        #expect(found.map(\.body.count) == [RuntimeAPIRequestParser.maximumBodyBytes])
    }

    @Test func `a runtime that waits to send its body is told to go on`() throws {
        let text =
            "POST /2018-06-01/runtime/invocation/r/response HTTP/1.1\r\nExpect: 100-continue\r\n"
            + "Content-Length: 2\r\n\r\n{}"

        let found = try events(text)

        #expect(found.first == .expectsContinue)
        #expect(found.count == 2)
    }

    @Test(arguments: [
        "nonsense\r\n\r\n",
        "GET / HTTP/2\r\n\r\n",
        "GET / HTTP/1.1\r\nno colon here\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: -4\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n",
    ])
    func `what is not HTTP is refused`(text: String) {
        #expect(throws: RuntimeAPIProtocolError.self) { try requests(text) }
    }
}
