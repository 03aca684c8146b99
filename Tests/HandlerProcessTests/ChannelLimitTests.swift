import Foundation
import HandlerWire
import StreamCore
import TestSupport
import Testing

@testable import HandlerProcess

struct ChannelLimitTests {
    private static let next = Array(
        "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n".utf8
    )

    /// Lends a connection whose runtime asked for work, and the runtime's end of it.
    private func withParkedConnection(_ body: (RuntimeAPIConnection, Int32) throws -> Void) throws {
        var ends: [Int32] = [-1, -1]
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        try #require(socketpair(AF_UNIX, type, 0, &ends) == 0)
        defer { close(ends[1]) }
        let connection = RuntimeAPIConnection(socket: try Descriptor(ends[0], from: "socketpair"))
        try #require(write(ends[1], Self.next, Self.next.count) == Self.next.count)
        connection.serve(Int16(POLLIN))
        try #require(connection.nextRequest()?.route == .next)
        try body(connection, ends[1])
    }

    @Test func `a runtime that streams while it waits for work loses its connection`() throws {
        try withParkedConnection { connection, runtime in
            let bytes = [UInt8](repeating: 0x78, count: 16 << 10)
            var written = 0

            while connection.isOpen, written < 64 << 20 {
                written += max(0, send(runtime, bytes, bytes.count, Int32(MSG_NOSIGNAL)))
                connection.serve(Int16(POLLIN))
            }

            #expect(!connection.isOpen)
            #expect(written <= 1 << 20)
        }
    }

    @Test func `a small request behind the one for work is tolerated`() throws {
        try withParkedConnection { connection, runtime in
            try #require(write(runtime, Self.next, Self.next.count) == Self.next.count)

            connection.serve(Int16(POLLIN))

            #expect(connection.isOpen)
            #expect(connection.isParked)
        }
    }

    @Test func `a listener that cannot accept is left alone for a while`() throws {
        let descriptors = try polledAfterFailedAccept(pause: .seconds(3_600))
        #expect(descriptors.polled == [-1])
        #expect(descriptors.isDueLater)
    }

    @Test func `a listener that could not accept is polled again after its pause`() throws {
        let descriptors = try polledAfterFailedAccept(pause: .zero)
        #expect(descriptors.polled == [descriptors.listener])
        #expect(!descriptors.isDueLater)
    }

    /// What a channel polls once it could not take a connection, and whether it is due by itself.
    private func polledAfterFailedAccept(
        pause: Duration
    ) throws -> (polled: [Int32], listener: Int32, isDueLater: Bool) {
        let channel = try LambdaRuntimeChannel(names: ResourceNames(), acceptPause: pause)
        var descriptors: [pollfd] = []
        channel.appendDescriptors(to: &descriptors)
        let listener = try #require(descriptors.first?.fd)
        // A socket that does not listen in its place: accept4 fails, as it does without a free descriptor.
        let other = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        try #require(dup2(other, listener) == listener)
        close(other)

        _ = channel.serve([pollfd(fd: listener, events: Int16(POLLIN), revents: Int16(POLLIN))])

        #expect(channel.nextDue != nil)
        descriptors = []
        channel.appendDescriptors(to: &descriptors)
        return (descriptors.map(\.fd), listener, channel.nextDue != nil)
    }

    @Test func `a process whose end went to somebody else ended in an unknown way`() async throws {
        try await HandlerFixture.with(bootstrap: "#!/bin/sh\nexit 3\n") { fixture in
            let settings = HandlerSettings(logs: fixture.logs)
            let plan = try LaunchPlan(
                fixture.function,
                settings: settings,
                runtimeAPI: "127.0.0.1:1",
                logStream: "stream"
            )
            let process = try SpawnedProcess(plan, channel: nil, endLimit: .seconds(3_600))
            var status: Int32 = 0
            try #require(waitpid(process.pid, &status, 0) == process.pid)

            #expect(process.endNow() == .unknown)
        }
    }
}
