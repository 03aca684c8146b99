import AWSClient
import Foundation
import StreamCore

/// A registered consumer of a stream, which has a throughput of its own in each shard.
actor FanOutConsumer {
    /// Until a consumer that was registered may subscribe.
    private static let checkInterval = Duration.seconds(1)
    private static let maximumChecks = 120

    private let name: String
    private let calls: KinesisCalls
    private let clock: any Clock<Duration>
    private var found: Task<String, any Error>?

    init(name: String, calls: KinesisCalls, clock: any Clock<Duration>) {
        self.name = name
        self.calls = calls
        self.clock = clock
    }

    /// Its ARN once it is active; it is registered if nobody has.
    func arn() async throws -> String {
        // Not a child of the first caller: its cancellation must not fail the others.
        let task = found ?? Task { try await find() }
        found = task
        do { return try await task.value } catch {
            found = nil
            throw error
        }
    }

    /// The consumer may have been removed: it is looked for anew.
    func forget() { found = nil }

    private struct Description: Decodable {
        let ConsumerARN: String
        let ConsumerStatus: String
    }

    private func find() async throws -> String {
        struct Summary: Decodable {
            struct Stream: Decodable { let StreamARN: String }
            let StreamDescriptionSummary: Stream
        }
        let summary = try await calls.call(
            "DescribeStreamSummary",
            [("StreamName", .text(calls.stream.text))]
        )
        let stream = try read(Summary.self, summary, of: "DescribeStreamSummary").StreamDescriptionSummary
            .StreamARN
        let names: KinesisCalls.Fields = [("StreamARN", .text(stream)), ("ConsumerName", .text(name))]
        for check in 0..<Self.maximumChecks {
            // The second look follows the first at once: some services have a new consumer active right away.
            if check > 1 { try await clock.sleep(for: Self.checkInterval) }
            let consumer = try await description(names)
            if let consumer, consumer.ConsumerStatus == "ACTIVE" { return consumer.ConsumerARN }
            if consumer == nil { try await register(names) }
        }
        throw calls.failure(
            UnreadableAnswer(
                "consumer \(name) is not active after \(Self.checkInterval * Self.maximumChecks)"
            ),
            in: "DescribeStreamConsumer",
            shard: nil
        )
    }

    private func description(_ names: KinesisCalls.Fields) async throws -> Description? {
        struct Answer: Decodable { let ConsumerDescription: Description }
        do {
            let answer = try await calls.call("DescribeStreamConsumer", names)
            return try read(Answer.self, answer, of: "DescribeStreamConsumer").ConsumerDescription
        } catch is StreamNotFound {
            // The stream was there a moment ago.
            return nil
        }
    }

    private func register(_ names: KinesisCalls.Fields) async throws {
        do {
            _ = try await calls.once("RegisterStreamConsumer", names)
        } catch let error as AWSServiceFailure where Remedy(error) == .backOff {
            // Another worker was first, or one of that name is being removed: what is there tells.
        } catch {
            throw calls.failure(error, in: "RegisterStreamConsumer", shard: nil)
        }
    }

    private func read<Answer: Decodable>(
        _ type: Answer.Type,
        _ response: ClientResponse,
        of operation: String
    ) throws -> Answer {
        do { return try JSONDecoder().decode(type, from: Data(response.body)) } catch {
            throw calls.failure(error, in: operation, shard: nil)
        }
    }
}
