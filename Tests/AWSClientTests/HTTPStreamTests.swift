import AWSClient
import Dispatch
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(10)))
struct HTTPStreamTests {
    /// A busy machine takes its time.
    private static let client = HTTPClient(
        limits: HTTPClient.Limits(time: .seconds(600), connecting: .seconds(600))
    )
    private static let head = "HTTP/1.1 200 OK\r\n"

    @Test func `a body is read while it arrives`() async throws {
        try await withRawServer { _ in
            .partial(Self.head + "Content-Length: 10\r\n\r\nabc")
        } _: { url in
            let stream = try await Self.client.stream(ClientRequest(url: url))

            #expect(stream.head.status == 200)
            #expect(try await stream.next() == Array("abc".utf8))
        }
    }

    @Test func `a large body comes whole, however slowly it is read`() async throws {
        let body = String(repeating: "0123456789abcdef", count: 1 << 19)
        try await withRawServer { _ in
            .reply(body)
        } _: { url in
            let stream = try await Self.client.stream(ClientRequest(url: url))
            var (received, largest): ([UInt8], Int) = ([], 0)
            while let chunk = try await stream.next() {
                received += chunk
                largest = max(largest, chunk.count)
            }

            #expect(received == Array(body.utf8))
            // What is kept here has a limit.
            #expect(largest < 2 << 20)
        }
    }

    @Test func `an answer that says no comes as a whole`() async throws {
        try await withRawServer { _ in
            .reply(status: 400, "because")
        } _: { url in
            let stream = try await Self.client.stream(ClientRequest(url: url))

            #expect(stream.head.status == 400)
            #expect(stream.head.body == Array("because".utf8))
            #expect(try await stream.next() == nil)
        }
    }

    @Test func `a body that breaks off is an error after what had come`() async throws {
        try await withRawServer { _ in
            .torn(Self.head + "Content-Length: 10\r\n\r\nabc")
        } _: { url in
            let stream = try await Self.client.stream(ClientRequest(url: url))

            #expect(try await stream.next() == Array("abc".utf8))
            await #expect(throws: HTTPFailure.self) { try await stream.next() }
        }
    }

    @Test func `cancelling a read ends the stream`() async throws {
        try await withRawServer { _ in
            .partial(Self.head + "Content-Length: 10\r\n\r\n")
        } _: { url in
            // The head comes with the first byte of the body.
            let opening = Task { try await Self.client.stream(ClientRequest(url: url)) }
            opening.cancel()
            await #expect(throws: CancellationError.self) { _ = try await opening.value }
        }
        try await withRawServer { _ in
            .partial(Self.head + "Content-Length: 10\r\n\r\nabc")
        } _: { url in
            let stream = try await Self.client.stream(ClientRequest(url: url))
            _ = try await stream.next()
            let reading = Task { try await stream.next() }
            reading.cancel()
            await #expect(throws: CancellationError.self) { _ = try await reading.value }
        }
    }

    @Test func `hundreds of requests at once need no thread each`() async throws {
        let arrived = Recorder<String>()
        let gate = DispatchSemaphore(value: 0)
        let count = 150
        try await withRawServer { request in
            arrived.append(request.path)
            gate.wait()
            return .reply(request.path)
        } _: { url in
            try await withThrowingTaskGroup(of: Bool.self) { group in
                let client = Self.client
                for index in 0..<count {
                    group.addTask {
                        let response = try await client.send(ClientRequest(url: "\(url)/\(index)"))
                        return response.body == Array("/\(index)".utf8)
                    }
                }
                // All of them are under way before the first is answered.
                await arrived.wait(for: count)
                for _ in 0..<count { gate.signal() }
                for try await isOwn in group { #expect(isOwn) }
            }
        }
    }
}
