import AWSClient
import Foundation
import StreamCore
import Synchronization

/// An SQS queue: one message for each failure.
struct QueueDestination: FailureDestination {
    /// What SQS takes; a queue may be set to less.
    static let maximumBodyBytes = 1024 * 1024

    let target: FailureTarget
    let arn: ARN
    let sqs: AWSService
    let urls: QueueURLs

    func deliver(_ failure: BatchFailure) async throws {
        let body = FailureRecord.metadata(of: failure)
        guard body.count <= Self.maximumBodyBytes else {
            throw DestinationRefusal(
                target: target,
                reason: "its record has \(body.count) bytes, SQS takes \(Self.maximumBodyBytes)"
            )
        }
        let url: String
        if let known = urls[target.text] { url = known } else { url = try await ask() }
        do {
            _ = try await sqs.call("AmazonSQS.SendMessage", JSONEncoder.bytes(message(failure, body, url)))
        } catch {
            // The queue may have been deleted and made again elsewhere.
            urls[target.text] = nil
            throw error
        }
    }

    private func message(_ failure: BatchFailure, _ body: [UInt8], _ url: String) -> SendMessage {
        SendMessage(
            QueueUrl: url,
            MessageBody: String(decoding: body, as: UTF8.self),
            MessageGroupId: arn.isFIFO ? failure.shard.text : nil,
            MessageDeduplicationId: arn.isFIFO ? failure.id : nil
        )
    }

    private func ask() async throws -> String {
        let request = GetQueueURL(QueueName: arn.resource, QueueOwnerAWSAccountId: arn.account)
        let answer = try await sqs.call("AmazonSQS.GetQueueUrl", JSONEncoder.bytes(request))
        guard let url = try? JSONDecoder().decode(QueueURLAnswer.self, from: Data(answer)).QueueUrl else {
            throw DestinationRefusal(target: target, reason: "\(sqs.endpoint) answered no URL for the queue")
        }
        urls[target.text] = url
        return url
    }
}

/// The URLs of queues, as far as they are known: at most as many as mappings name queues.
final class QueueURLs: Sendable {
    private let urls = Mutex<[String: String]>([:])

    subscript(arn: String) -> String? {
        get { urls.withLock { $0[arn] } }
        set { urls.withLock { $0[arn] = newValue } }
    }
}

// Fields are named as SQS writes them.
private struct SendMessage: Encodable {
    let QueueUrl: String
    let MessageBody: String
    let MessageGroupId: String?
    let MessageDeduplicationId: String?
}

private struct GetQueueURL: Encodable {
    let QueueName: String
    let QueueOwnerAWSAccountId: String
}

private struct QueueURLAnswer: Decodable {
    let QueueUrl: String
}

extension JSONEncoder {
    fileprivate static func bytes(_ value: some Encodable) throws -> [UInt8] {
        [UInt8](try JSONEncoder().encode(value))
    }
}
