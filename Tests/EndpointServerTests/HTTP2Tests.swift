import TestSupport
import Testing

@testable import EndpointServer

/// HTTP/2 on the port of HTTP/1.1, and what slow and greedy clients meet there.
@Suite(.timeLimit(.minutes(10)))
struct HTTP2Tests {
    private typealias FrameType = RawHTTP2Client.FrameType

    private let limits = EndpointLimits.patient

    @Test func `a client that begins with HTTP2's preface gets HTTP2, whatever pieces it comes in`()
        async throws
    {
        try await TestServer.with(limits) { server in
            let client = try await RawHTTP2Client(port: server.port)
            client.request(1, hasBody: true)
            client.send(FrameType.data, flags: 1, stream: 1, Array("12345".utf8))
            #expect(await client.next(FrameType.headers, of: 1)?.status == 200)
            #expect(await client.next(FrameType.data, of: 1)?.payload == Array("5".utf8))

            let hesitant = try RawClient(port: server.port)
            for byte in RawHTTP2Client.preface.utf8 {
                hesitant.send([byte])
                await Task.yield()
            }
            #expect(await hesitant.readSome().dropFirst(3).first == FrameType.settings)
            let close = try RawClient(port: server.port)
            close.send("PROPFIND / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            #expect(await close.readToEnd().hasPrefix("HTTP/1.1"))
        }
    }

    @Test func `a connection carries many requests at once`() async throws {
        try await TestServer.with(limits) { server in
            let client = try await RawHTTP2Client(port: server.port)
            let streams = (0..<50).map { UInt32(2 * $0 + 1) }
            for stream in streams { client.request(stream, "/10") }

            var answered: Set<UInt32> = []
            while answered.count < streams.count, let frame = await client.next() {
                if frame.status == 200 { answered.insert(frame.stream) }
            }
            #expect(answered == Set(streams))
        }
    }

    @Test func `a client that stalls has its stream reset, and the others go on`() async throws {
        var limits = limits
        limits.patience = .milliseconds(200)
        limits.minimumBytesPerSecond = 1_000_000_000
        try await TestServer.with(limits) { server in
            let client = try await RawHTTP2Client(port: server.port)
            // The connection has room, the stream's window is never opened.
            client.send(FrameType.windowUpdate, UInt32(1 << 30).bigEndianBytes)
            client.request(1, "/50000000")

            #expect(await client.next(FrameType.reset, of: 1) != nil)
            client.request(3, "/1")
            #expect(await client.next(FrameType.headers, of: 3)?.status == 200)
        }
    }

    @Test func `a body that does not come is cut off`() async throws {
        var limits = limits
        limits.patience = .milliseconds(50)
        try await TestServer.with(limits) { server in
            let client = try await RawHTTP2Client(port: server.port)
            client.request(1, hasBody: true)

            #expect(await client.next(FrameType.reset, of: 1) != nil)
        }
    }

    @Test func `a body larger than any request is cut off`() async throws {
        var limits = limits
        limits.bodyBytes = 20_000
        try await TestServer.with(limits) { server in
            let client = try await RawHTTP2Client(port: server.port)
            client.request(1, hasBody: true)
            for _ in 0..<3 {
                client.send(FrameType.data, stream: 1, [UInt8](repeating: 0, count: 10_000))
            }

            #expect(await client.next(FrameType.reset, of: 1) != nil)
        }
    }

    @Test func `a connection without a request is closed, and pings do not prolong it`() async throws {
        var limits = limits
        limits.idle = .milliseconds(500)
        try await TestServer.with(limits) { server in
            let client = try await RawHTTP2Client(port: server.port)
            // Each ping is answered, so this goes on until the server ends it.
            repeat {
                client.send(FrameType.ping, [UInt8](repeating: 0, count: 8))
            } while await client.next() != nil
        }
    }

    @Test func `a preface that does not end is cut off`() async throws {
        var limits = limits
        limits.header = .milliseconds(50)
        try await TestServer.with(limits) { server in
            let client = try RawClient(port: server.port)
            client.send("PRI * HTTP/2.0\r\n")

            #expect(await client.readToEnd() == "")
        }
    }

    @Test func `more requests at once than allowed are refused`() async throws {
        var limits = limits
        limits.streamsPerConnection = 2
        try await TestServer.with(limits) { server in
            let client = try await RawHTTP2Client(port: server.port)
            for stream: UInt32 in [1, 3, 5] { client.request(stream, hasBody: true) }

            // To go on after the settings are agreed on is an error of the whole connection.
            #expect(await client.next(FrameType.goAway) != nil)
        }
    }

    @Test func `more requests than allowed on all connections are refused`() async throws {
        var limits = limits
        limits.streams = 1
        try await TestServer.with(limits) { server in
            let first = try await RawHTTP2Client(port: server.port)
            first.request(1, hasBody: true)
            // Its stream is counted before it is handed on.
            await server.requests.wait(for: 1)
            let second = try await RawHTTP2Client(port: server.port)
            second.request(1)
            #expect(await second.next(FrameType.reset, of: 1) != nil)

            first.send(FrameType.data, flags: 1, stream: 1, [0])
            #expect(await first.next(FrameType.headers, of: 1)?.status == 200)
        }
    }

    @Test func `requests that are reset as fast as they come end the connection`() async throws {
        try await TestServer.with(limits) { server in
            let client = try await RawHTTP2Client(port: server.port)
            var stream: UInt32 = 1
            while stream < 100_000, client.request(stream, hasBody: true) {
                client.send(FrameType.reset, stream: stream, UInt32(8).bigEndianBytes)
                stream += 2
                await Task.yield()
            }
            #expect(stream < 100_000)
        }
    }

    @Test func `too many header fields are answered 400, too large ones end the connection`() async throws {
        var limits = limits
        limits.headerBytes = 4_000
        limits.headerCount = 20
        try await TestServer.with(limits) { server in
            let client = try await RawHTTP2Client(port: server.port)
            client.request(1, headers: (0..<21).map { ("x\($0)", "a") })
            #expect(await client.next(FrameType.headers, of: 1)?.status == 400)

            client.request(3, headers: [("x", String(repeating: "a", count: 5_000))])
            while let frame = await client.next() { #expect(frame.status != 200) }
        }
    }

    @Test func `a request names one host`() async throws {
        try await TestServer.with(limits) { server in
            let client = try await RawHTTP2Client(port: server.port)
            client.request(1, "/host", headers: [("host", "h")])
            #expect(await client.next(FrameType.data, of: 1)?.payload == Array("h".utf8))
            client.request(3, "/host", authority: nil, headers: [("host", "other")])
            #expect(await client.next(FrameType.data, of: 3)?.payload == Array("other".utf8))
            client.request(5, "/host", headers: [("host", "other")])
            #expect(await client.next(FrameType.headers, of: 5)?.status == 400)
        }
    }
}
