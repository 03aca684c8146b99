import TestSupport
import Testing

@testable import EndpointServer

/// What slow and greedy clients meet: a test only awaits that the server closes, under limits of milliseconds.
@Suite(.timeLimit(.minutes(10)))
struct ClientLimitTests {
    private let limits = EndpointLimits.patient

    @Test func `a connection that asks nothing is closed`() async throws {
        var limits = limits
        limits.idle = .milliseconds(50)
        try await TestServer.with(limits) { server in
            let silent = try RawClient(port: server.port)
            #expect(await silent.readToEnd() == "")
        }
    }

    @Test func `a header that does not end is cut off, however its bytes trickle in`() async throws {
        var limits = limits
        limits.header = .milliseconds(50)
        limits.headerBytes = 1 << 30
        try await TestServer.with(limits) { server in
            let silent = try RawClient(port: server.port)
            silent.send("GET / HTTP/1.1\r\nHost: h\r\nX-A: ")
            #expect(await silent.readToEnd() == "")

            let trickling = try RawClient(port: server.port)
            trickling.send("GET / HTTP/1.1\r\nX: ")
            while trickling.send("a") { await Task.yield() }
        }
    }

    @Test func `a body that does not come is cut off`() async throws {
        var limits = limits
        limits.patience = .milliseconds(50)
        limits.minimumBytesPerSecond = 1_000_000
        try await TestServer.with(limits) { server in
            let client = try RawClient(port: server.port)
            client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nhalf")

            #expect(!(await client.readToEnd().hasPrefix("HTTP/1.1 200")))
        }
    }

    @Test func `a client that does not read its answer is cut off`() async throws {
        var limits = limits
        limits.patience = .milliseconds(50)
        limits.minimumBytesPerSecond = 1_000_000_000
        try await TestServer.with(limits) { server in
            let client = try RawClient(port: server.port)
            client.send("GET /50000000 HTTP/1.1\r\nHost: h\r\n\r\n")

            // The server has taken the connection in, or ended it already.
            _ = await client.read(until: "\r\n\r\n")
            // Nothing more is read, so that the answer fills every buffer; the server's side then goes away.
            while server.connections.count > 0 || client.send(" ") { await Task.yield() }

            #expect(await client.readToEnd().utf8.count < 50_000_000)
        }
    }

    @Test func `a body larger than any request ends the connection`() async throws {
        var limits = limits
        limits.bodyBytes = 100_000
        try await TestServer.with(limits) { server in
            let client = try RawClient(port: server.port)
            client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
            let chunk = "2710\r\n\(String(repeating: "a", count: 10_000))\r\n"
            // Each call blocks while the server is behind, and what makes it go on needs the threads of the pool.
            try await onOwnThread { while client.send(chunk) {} }

            #expect(!(await client.readToEnd().hasPrefix("HTTP/1.1 200")))
        }
    }

    @Test(arguments: [
        "X: \(String(repeating: "a", count: 2_000))\r\n",
        String(repeating: "X: \(String(repeating: "a", count: 100))\r\n", count: 20),
        String(repeating: "X: a\r\n", count: 30),
    ])
    func `headers too long or too many are answered 400`(headers: String) async throws {
        var limits = limits
        limits.headerBytes = 1_000
        limits.headerCount = 20
        try await TestServer.with(limits) { server in
            let client = try RawClient(port: server.port)
            client.send("GET / HTTP/1.1\r\nHost: h\r\n\(headers)\r\n")

            #expect(await client.readToEnd().hasPrefix("HTTP/1.1 400"))
        }
    }

    @Test func `a path that is too long is answered 400`() async throws {
        var limits = limits
        limits.headerBytes = 1_000
        try await TestServer.with(limits) { server in
            let client = try RawClient(port: server.port)
            client.send("GET /\(String(repeating: "a", count: 2_000)) HTTP/1.1\r\nHost: h\r\n\r\n")

            #expect(await client.readToEnd().hasPrefix("HTTP/1.1 400"))
        }
    }

    @Test func `a connection too many takes the place of the one that is idle longest`() async throws {
        var limits = limits
        limits.connections = 2
        try await TestServer.with(limits) { server in
            let first = try RawClient(port: server.port)
            first.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            _ = await first.read(until: "\r\n\r\n0")
            // The server counts a connection as idle a moment after the client has its answer.
            while server.connections.idleCount < 1 { await Task.yield() }
            let second = try RawClient(port: server.port)
            second.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            _ = await second.read(until: "\r\n\r\n0")
            while server.connections.idleCount < 2 { await Task.yield() }

            let third = try RawClient(port: server.port)
            third.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")

            #expect(await third.read(until: "\r\n\r\n0").hasPrefix("HTTP/1.1 200"))
            #expect(await first.readToEnd() == "")
            second.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(await second.read(until: "\r\n\r\n0").hasPrefix("HTTP/1.1 200"))
            #expect(server.connections.count == 2)
            #expect(server.reportCount == 1)
        }
    }

    @Test func `when every connection has a request in hand, one too many is closed`() async throws {
        var limits = limits
        limits.connections = 1
        try await TestServer.with(limits) { server in
            let busy = try RawClient(port: server.port)
            busy.send("POST / HTTP/1.1\r\nHost: h\r\nExpect: x\r\nContent-Length: 4\r\n\r\n")
            // The header has been read once the connection counts as busy.
            while server.connections.idleCount > 0 || server.connections.count == 0 { await Task.yield() }

            let refused = try RawClient(port: server.port)
            #expect(await refused.readToEnd() == "")

            busy.send("four")
            #expect(await busy.read(until: "\r\n\r\n4").hasPrefix("HTTP/1.1 200"))
        }
    }

    @Test func `requests sent at once are answered one after the other`() async throws {
        try await TestServer.with(limits) { server in
            let client = try RawClient(port: server.port)
            let bodies = (0..<50).map { String(repeating: "a", count: $0) }
            client.send(
                bodies.map { "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: \($0.count)\r\n\r\n\($0)" }
                    .joined()
            )
            client.send("GET /0 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")

            let answers = await client.readToEnd()

            let counts = answers.split(separator: "HTTP/1.1 200 OK").compactMap {
                $0.split(separator: "\r\n\r\n").dropFirst().first
            }
            #expect(counts.map(String.init) == (0..<50).map(String.init))
        }
    }
}
