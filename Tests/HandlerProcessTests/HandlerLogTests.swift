import Foundation
import HandlerProcess
import StreamCore
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(2)))
struct HandlerLogTests {
    @Test func `a printed line is logged with its time and request`() async throws {
        try await HandlerFixture.with { fixture in
            _ = await fixture.invoke("print gate B7", requestID: "request-1")
            await fixture.pool.shutDown(within: .seconds(5))

            let words = fixture.log.split(separator: " ", maxSplits: 2).map(String.init)
            #expect(words.dropFirst() == ["request-1", "gate B7\n"])
            #expect(words.first?.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/) != nil)
        }
    }

    @Test func `a line of 100 MB delays nothing and is cut at 64 KiB`() async throws {
        try await HandlerFixture.with { fixture in
            let outcome = await fixture.invoke("flood")
            await fixture.pool.shutDown(within: .seconds(5))

            #expect(outcome == .succeeded)
            #expect(fixture.log.hasSuffix("x … (cut)\n"))
            #expect(fixture.log.utf8.count < 70_000)
        }
    }

    @Test func `a log takes at most twice its limit`() async throws {
        try await HandlerFixture.with(settings: { $0.logFileBytes = 1 << 20 }) { fixture in
            _ = await fixture.invoke("many-lines")
            _ = await fixture.invoke("print the end")
            await fixture.pool.shutDown(within: .seconds(5))

            let sizes = try ["function.log", "function.log.1"].map { name in
                try fixture.contents("logs/counts/\(name)").utf8.count
            }
            #expect(sizes.allSatisfy { $0 <= 1 << 20 })
            #expect(fixture.log.hasSuffix("the end\n"))
        }
    }
}
