import EmbeddedLog
import Foundation
import KinesisWire
import NIOCore
import StreamCore
import Synchronization
import TestSupport
import Testing

@testable import KinesisAPI

@Suite(.timeLimit(.minutes(5)))
struct SubscriptionTests {
    @Test func `records that are there come at once, later ones when they are put`() async throws {
        try await SubscriptionHost.with { host in
            let consumer = try await host.makeConsumer()
            try await host.put("a", "b")

            try await Subscriber.reading(try host.subscribe(consumer)) { messages in
                #expect(await messages.next()?.name == "initial-response")
                #expect(await messages.next()?.payloads == ["a", "b"])
                try await host.put("c")
                #expect(await messages.next()?.payloads == ["c"])
            }
        }
    }

    @Test func `LATEST begins where the shard ends at the call`() async throws {
        try await SubscriptionHost.with { host in
            let consumer = try await host.makeConsumer()
            try await host.put("a")
            let subscription = try host.subscribe(consumer, #"{"Type":"LATEST"}"#)
            try await host.put("b")

            try await Subscriber.reading(subscription) { messages in
                _ = await messages.next()
                #expect(await messages.next()?.payloads == ["b"])
            }
        }
    }

    @Test func `the continuation goes on without a gap or a repeat`() async throws {
        try await SubscriptionHost.with { host in
            let consumer = try await host.makeConsumer()
            try await host.put("a", "b")
            let continuation = Mutex<String?>(nil)
            try await Subscriber.reading(try host.subscribe(consumer)) { messages in
                _ = await messages.next()
                let event = await messages.next()
                continuation.withLock { $0 = event?.continuation }
            }
            try await host.put("c")

            let found = continuation.withLock(\.self)
            let number = try #require(found)
            let next = try host.subscribe(
                consumer,
                #"{"Type":"AFTER_SEQUENCE_NUMBER","SequenceNumber":"\#(number)"}"#
            )
            try await Subscriber.reading(next) { messages in
                _ = await messages.next()
                #expect(await messages.next()?.payloads == ["c"])
            }
        }
    }

    @Test func `without records an empty event tells how far the subscription is`() async throws {
        try await SubscriptionHost.with { host in
            let consumer = try await host.makeConsumer()
            try await host.put("too old")
            let future = Date().timeIntervalSince1970 + 0.9
            let subscription = try host.subscribe(
                consumer,
                #"{"Type":"AT_TIMESTAMP","Timestamp":\#(future)}"#
            )

            try await Subscriber.reading(subscription) { messages in
                _ = await messages.next()
                await host.clock.waitForSleepers()
                host.clock.advance(by: .seconds(5))
                let event = await messages.next()
                #expect(event?.payloads == [])
                let newest = try host.log.stream("s").cursor(in: ShardID(number: 0), at: .latest).next
                #expect(event?.continuation.flatMap { SequenceNumber($0) }?.successor == newest)
            }
        }
    }

    @Test func `the end of a shard names its children, and ends the subscription`() async throws {
        try await SubscriptionHost.with { host in
            let consumer = try await host.makeConsumer()
            try await host.put("a")
            try await Subscriber.reading(try host.subscribe(consumer)) { messages in
                _ = await messages.next()
                #expect(await messages.next()?.payloads == ["a"])

                let halves = [HashKeyRange(start: 0, end: 9), HashKeyRange(start: 10, end: .max)]
                _ = try await host.log.stream("s").replace([ShardID(number: 0)], with: halves)

                let end = await messages.next()
                #expect(end?.childShards == ["shardId-000000000001", "shardId-000000000002"])
                #expect(end?.continuation == nil)
                #expect(await messages.next() == nil)
            }
            #expect(host.service.subscriptions.count == 0)
        }
    }

    @Test func `a second subscription is refused for 5 seconds, and takes over after that`() async throws {
        try await SubscriptionHost.with { host in
            let consumer = try await host.makeConsumer()
            try await Subscriber.reading(try host.subscribe(consumer)) { first in
                _ = await first.next()
                host.clock.advance(by: .milliseconds(4_999))
                let error = #expect(throws: KinesisError.self) { try host.subscribe(consumer) }
                #expect(error?.kind == .resourceInUse)

                host.clock.advance(by: .milliseconds(1))
                let second = try host.subscribe(consumer)

                var end = await first.next()
                while end?.isException == false { end = await first.next() }
                #expect(end?.name == "ResourceInUseException")
                #expect(await first.next() == nil)
                try await host.put("a")
                try await Subscriber.reading(second) { messages in
                    _ = await messages.next()
                    #expect(await messages.next()?.payloads == ["a"])
                }
            }
        }
    }

    @Test func `consumers and shards do not get into each other's way`() async throws {
        try await SubscriptionHost.with { host in
            let first = try await host.makeConsumer()
            let other = try await host.makeConsumer("t")
            try await Subscriber.reading(try host.subscribe(first)) { messages in
                _ = await messages.next()
                try await Subscriber.reading(try host.subscribe(other)) { others in
                    #expect(await others.next()?.name == "initial-response")
                }
            }
        }
    }

    @Test func `a subscription lasts five minutes`() async throws {
        try await SubscriptionHost.with { host in
            let consumer = try await host.makeConsumer()
            try await Subscriber.reading(try host.subscribe(consumer)) { messages in
                _ = await messages.next()
                for _ in 0..<60 {
                    await host.clock.waitForSleepers()
                    host.clock.advance(by: .seconds(5))
                    #expect(await messages.next()?.payloads == [])
                }
                #expect(await messages.next() == nil)
            }
        }
    }

    @Test func `nothing is read for a client that does not take what was sent`() async throws {
        try await SubscriptionHost.with { host in
            let consumer = try await host.makeConsumer()
            try await host.put("a")
            let subscription = try host.subscribe(consumer)
            let written = Recorder<[String]>()
            let gate = Gate()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    try await subscription.run { buffer in
                        let message = try PushedMessage(buffer)
                        written.append(message.payloads)
                        if message.payloads == ["a"] { await gate.pass() }
                    }
                }
                await written.wait(for: 2)

                for payload in ["b", "c", "d"] { try await host.put(payload) }
                #expect(written.events == [[], ["a"]])

                gate.open()
                await written.wait(for: 3)
                #expect(written.events.last == ["b", "c", "d"], "what came meanwhile comes together")
                group.cancelAll()
                do { try await group.waitForAll() } catch is CancellationError {}
            }
        }
    }

    @Test func `a deregistered consumer is told so`() async throws {
        try await SubscriptionHost.with { host in
            let consumer = try await host.makeConsumer()
            try await Subscriber.reading(try host.subscribe(consumer)) { messages in
                _ = await messages.next()
                try await host.call("DeregisterStreamConsumer", #"{"ConsumerARN":"\#(consumer)"}"#)
                let end = await messages.next()
                #expect(end?.isException == true)
                #expect(end?.name == "ResourceNotFoundException")
            }
        }
    }

    @Test func `a deleted stream is told of`() async throws {
        try await SubscriptionHost.with { host in
            let consumer = try await host.makeConsumer()
            try await Subscriber.reading(try host.subscribe(consumer)) { messages in
                _ = await messages.next()
                try host.log.deleteStream("s")
                #expect(await messages.next()?.name == "ResourceNotFoundException")
            }
        }
    }

    @Test(arguments: [
        (#"{"Type":"NEVER"}"#, KinesisError.Kind.validation), ("{}", .validation),
        (#"{"Type":"AT_SEQUENCE_NUMBER"}"#, .invalidArgument),
        (#"{"Type":"AT_SEQUENCE_NUMBER","SequenceNumber":"17"}"#, .invalidArgument),
        (#"{"Type":"AT_TIMESTAMP"}"#, .invalidArgument),
    ])
    func `a position that is none is refused`(position: String, kind: KinesisError.Kind) async throws {
        try await SubscriptionHost.with { host in
            let consumer = try await host.makeConsumer()

            let error = #expect(throws: KinesisError.self) { try host.subscribe(consumer, position) }

            #expect(error?.kind == kind)
            #expect(host.service.subscriptions.count == 0)
        }
    }
}
