import HTTPTypes
import NIOCore
import NIOHTTPTypes
import Testing

@testable import EndpointServer

/// Until when a client must have done its next step, step by step.
struct ConnectionClockTests {
    private static let limits: EndpointLimits = {
        var limits = EndpointLimits()
        limits.idle = .seconds(100)
        limits.header = .seconds(10)
        limits.patience = .seconds(30)
        limits.minimumBytesPerSecond = 1_000
        return limits
    }()
    private static let head = HTTPRequestPart.head(
        HTTPRequest(method: .post, scheme: nil, authority: "h", path: "/")
    )

    private func body(_ bytes: Int) -> HTTPRequestPart { .body(ByteBuffer(repeating: 0, count: bytes)) }

    @Test func `a request has its time for each of its parts`() {
        var clock = ConnectionClock(limits: Self.limits, now: .zero)
        #expect(clock.deadline == .seconds(100))

        clock.readCompleted(at: .seconds(20))
        #expect(clock.deadline == .seconds(30))
        clock.readCompleted(at: .seconds(29))
        #expect(clock.deadline == .seconds(30), "a byte more is no more time")

        clock.read(Self.head, at: .seconds(30))
        #expect(clock.deadline == .seconds(60))
        clock.read(body(2_000), at: .seconds(50))
        #expect(clock.deadline == .seconds(62))

        clock.read(.end(nil), at: .seconds(61))
        #expect(clock.deadline == nil, "the answer is up to the host")

        clock.writing(5_000, at: .seconds(500))
        #expect(clock.deadline == .seconds(535))
        clock.wrote(5_000, at: .seconds(510))
        clock.answerEnded(at: .seconds(510))
        #expect(clock.deadline == .seconds(610))
        #expect(clock.isBetweenRequests)
    }

    @Test func `a request behind another has its time from when its turn comes`() {
        var clock = ConnectionClock(limits: Self.limits, now: .zero)
        for part in [Self.head, .end(nil), Self.head, body(1_000)] { clock.read(part, at: .zero) }
        #expect(clock.deadline == nil)
        #expect(!clock.isBetweenRequests)

        clock.answerEnded(at: .seconds(1_000))

        #expect(clock.deadline == .seconds(1_031))
    }

    @Test func `a request that was answered before its body came has no more time for it`() {
        var clock = ConnectionClock(limits: Self.limits, now: .zero)
        clock.read(Self.head, at: .zero)
        clock.answerEnded(at: .seconds(1))
        #expect(clock.deadline == .seconds(30))

        clock.read(.end(nil), at: .seconds(2))
        clock.readCompleted(at: .seconds(2))

        #expect(clock.deadline == .seconds(102))
    }

    @Test func `an answer that gets on has its time from its last step`() {
        var clock = ConnectionClock(limits: Self.limits, now: .zero)
        clock.read(Self.head, at: .zero)
        clock.read(.end(nil), at: .zero)
        clock.writing(1_000, at: .zero)
        clock.writing(1_000, at: .seconds(1))
        #expect(clock.deadline == .seconds(32))

        clock.wrote(1_000, at: .seconds(20))

        #expect(clock.deadline == .seconds(51))
    }
}
