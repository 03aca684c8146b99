import Foundation
import HandlerWire
import MillraceFunction
import StreamCore
import Testing

/// Drives a function over a socket pair in this process, as the host does.
@Suite(.timeLimit(.minutes(5)))
struct StreamFunctionTests {
    private struct Summing: StreamFunction {
        struct Odd: Error, CustomStringConvertible { let description: String }

        init() throws {}

        mutating func handle(
            _ batch: MillraceFunction.RecordBatch,
            context: MillraceFunction.InvocationContext
        ) async throws -> BatchResponse {
            let sum = batch.reduce(0) { $0 + $1.payload.reduce(0) { $0 + Int($1) } }
            guard sum % 2 == 0 else { throw Odd(description: "sum \(sum) of \(batch.map(\.partitionKey))") }
            return sum > 100 ? .failed(batch.suffix(1)) : .success
        }
    }

    private struct Refusing: StreamFunction {
        init() throws { throw Summing.Odd(description: "no configuration") }
        mutating func handle(
            _ batch: MillraceFunction.RecordBatch,
            context: MillraceFunction.InvocationContext
        ) async throws -> BatchResponse { .success }
    }

    /// Counts the records of a window in its state.
    private struct Counting: StreamFunction {
        init() throws {}

        mutating func handle(
            _ batch: MillraceFunction.RecordBatch,
            context: MillraceFunction.InvocationContext
        ) async throws -> BatchResponse {
            guard let window = context.window else { return .success.with(state: Array("1".utf8)) }
            let count = Int(String(decoding: window.state, as: UTF8.self)) ?? 0
            let response = window.isFinal ? BatchResponse.failed(batch.prefix(1)) : .success
            return response.with(state: Array("\(count + batch.count)".utf8))
        }
    }

    /// Writes all frames at once, ends the channel and reads what the function wrote.
    private func run<Function: StreamFunction>(
        _ type: Function.Type,
        _ frames: [[UInt8]]
    ) async throws -> (code: Int32, messages: [PluginMessage]) {
        var ends: [Int32] = [-1, -1]
        try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
        defer { for end in ends { close(end) } }
        for frame in frames { try #require(write(ends[0], frame, frame.count) == frame.count) }
        shutdown(ends[0], Int32(SHUT_WR))

        let channel = ends[1]
        // A thread of its own, as the plugin's main thread is: the concurrency pool's must not block on each other.
        let code = await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: type.run(channel)) }
        }
        shutdown(ends[1], Int32(SHUT_WR))

        var reader = PluginMessageReader()
        var messages: [PluginMessage] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while case let length = read(ends[0], &buffer, buffer.count), length > 0 {
            buffer[..<length].withUnsafeBytes { reader.append($0) }
            while let message = try reader.next() { messages.append(message) }
        }
        return (code, messages)
    }

    private func frame(_ number: UInt64, _ payloads: [[UInt8]], window: WindowContext? = nil) -> [UInt8] {
        var records = NewRecords()
        for payload in payloads { records.append(partitionKey: "k\(number)", hashKey: 0, payload: payload) }
        let entries = records.entries.enumerated().map { index, entry in
            RecordEntry(
                sequenceNumber: SequenceNumber(UInt128(10 + index)),
                arrival: Timestamp(milliseconds: 5),
                offset: entry.offset,
                keyBytes: entry.keyBytes,
                payloadBytes: entry.payloadBytes
            )
        }
        let invocation = InvocationFrame(
            number: number,
            records: StreamCore.RecordBatch(bytes: records.bytes, entries: entries).all,
            context: StreamCore.InvocationContext(
                requestID: "r",
                streamARN: "s",
                shard: "shard-1",
                functionARN: "f"
            ),
            window: window,
            timeout: .seconds(3)
        )
        return invocation.withSlices { Array($0) + Array($1) + Array($2) }
    }

    @Test func `batches in flight are answered one by one, and the end of the channel ends the function`()
        async throws
    {
        let (code, messages) = try await run(
            Summing.self,
            [frame(1, [[2], [4]]), frame(2, [[3]]), frame(3, [[60], [60]])]
        )

        #expect(code == 0)
        #expect(
            messages == [
                .hello(initError: nil),
                .answer(PluginAnswer(number: 1, result: .succeeded)),
                .answer(PluginAnswer(number: 2, result: .failed(type: "Odd", message: #"sum 3 of ["k2"]"#))),
                .answer(PluginAnswer(number: 3, result: .failedFrom(11))),
            ]
        )
    }

    @Test func `the state of a window goes to the function and back`() async throws {
        func window(_ state: String, isFinal: Bool = false) -> WindowContext {
            WindowContext(
                start: Timestamp(milliseconds: 0),
                end: Timestamp(milliseconds: 60_000),
                state: Array(state.utf8),
                isFinal: isFinal
            )
        }

        let (_, messages) = try await run(
            Counting.self,
            [
                frame(1, [[1], [2]], window: window("{}")),
                frame(2, [[3]], window: window("2", isFinal: true)),
                frame(3, [], window: window("3")), frame(4, [[1]]),
            ]
        )

        #expect(
            messages.dropFirst() == [
                .answer(PluginAnswer(number: 1, result: .succeeded, state: Array("2".utf8))),
                .answer(PluginAnswer(number: 2, result: .failedFrom(10), state: Array("3".utf8))),
                .answer(PluginAnswer(number: 3, result: .succeeded, state: Array("3".utf8))),
                .answer(PluginAnswer(number: 4, result: .succeeded)),
            ]
        )
    }

    @Test func `an error in init is said in the hello`() async throws {
        let (code, messages) = try await run(Refusing.self, [])

        #expect(code == 1)
        #expect(messages == [.hello(initError: "no configuration")])
    }

    @Test func `a frame that is no invocation ends the function`() async throws {
        let (code, messages) = try await run(Summing.self, [PluginMessage.helloFrame(initError: nil)])

        #expect(code == 1)
        #expect(messages == [.hello(initError: nil)])
    }

    @Test func `a frame that is cut off ends the function quietly`() async throws {
        let (code, messages) = try await run(Summing.self, [Array(frame(1, [[2]]).dropLast(1))])

        #expect(code == 0)
        #expect(messages == [.hello(initError: nil)])
    }
}
