package import AWSClient
import Foundation
import StreamCore

/// Calls DynamoDB, and again when it was busy or gave no answer.
package struct DynamoDBClient: Sendable {
    /// How often and how long one call is tried.
    package struct Retries: Sendable {
        /// Tries of one call, the first included.
        package var attempts = 6
        /// Before the second try; doubled before each further one, and of that a random part.
        package var firstPause = Duration.milliseconds(25)
        package var longestPause = Duration.seconds(1)
        /// Whether another try follows one that was not answered in time.
        package var followTimeouts = true

        package init() {}
    }

    /// What one call may take: a renewal that waits longer comes too late for a lease of 10 s anyway.
    package static let callLimits = HTTPClient.Limits(time: .seconds(3), responseBytes: 32 << 20)

    private let service: AWSService
    private let clock: any Clock<Duration>
    private let retries: Retries

    package init(
        _ service: AWSService,
        clock: any Clock<Duration> = ContinuousClock(),
        retries: Retries = Retries()
    ) {
        self.service = service
        self.clock = clock
        self.retries = retries
    }

    /// The same client, for calls that are of no use when they come late.
    var hurried: DynamoDBClient {
        var retries = retries
        retries.followTimeouts = false
        return DynamoDBClient(service, clock: clock, retries: retries)
    }

    /// - Parameter table: For whom the call is, in errors.
    /// - Throws: `Refusal` when the answer is a no that callers know what to do with; `StoreUnavailable`; `StoreDenied`; `CancellationError`.
    func call<Answer: Decodable>(
        _ operation: String,
        of table: String,
        _ request: some Encodable,
        as answer: Answer.Type
    ) async throws -> Answer {
        let body = try JSONEncoder().encode(request)
        let message = ClientRequest(
            method: "POST",
            url: service.endpoint.url + "/",
            headers: [
                ("Content-Type", "application/x-amz-json-1.0"),
                ("X-Amz-Target", "DynamoDB_20120810.\(operation)"),
            ],
            body: [UInt8](body)
        )
        let bytes = try await send(message, operation, table)
        do {
            return try JSONDecoder().decode(Answer.self, from: Data(bytes))
        } catch {
            throw StoreUnavailable(store: table, cause: service.failure(error))
        }
    }

    /// The same where the answer tells nothing.
    func call(_ operation: String, of table: String, _ request: some Encodable) async throws {
        _ = try await call(operation, of: table, request, as: Nothing.self)
    }

    private struct Nothing: Decodable {}

    private func send(_ message: ClientRequest, _ operation: String, _ table: String) async throws -> [UInt8]
    {
        var pause = retries.firstPause
        var isRepeat = false
        var attempt = 1
        while true {
            let failure: any Error
            do {
                let response = try await service.answer(to: message)
                if (200..<300).contains(response.status) { return response.body }
                let refusal = Refusal(response, isOfRepeat: isRepeat)
                if refusal.isDenied {
                    throw StoreDenied(
                        table: table,
                        operation: operation,
                        endpoint: "\(service.endpoint)",
                        cause: refusal.error
                    )
                }
                guard refusal.isPassing else {
                    throw refusal.isExpected ? refusal : StoreUnavailable(store: table, cause: refusal)
                }
                isRepeat = isRepeat || refusal.leavesDoubt
                failure = refusal
            } catch let error as AWSServiceFailure {
                isRepeat = isRepeat || !error.wasNotSent
                failure = error
            } catch let error
                where error is Refusal || error is StoreDenied || error is StoreUnavailable
                || error is CancellationError
            {
                throw error
            } catch {
                // Such as credentials that cannot be found.
                throw StoreUnavailable(store: table, cause: error)
            }
            let isLate = (failure as? AWSServiceFailure)?.isTimeout == true
            guard attempt < retries.attempts, retries.followTimeouts || !isLate else {
                throw StoreUnavailable(store: table, cause: failure)
            }
            attempt += 1
            try await clock.sleep(for: pause * Double.random(in: 0.5...1))
            pause = min(pause * 2, retries.longestPause)
        }
    }
}

extension AWSServiceFailure {
    fileprivate var isTimeout: Bool {
        if case .timedOut = cause as? HTTPFailure { true } else { false }
    }

    /// Nobody can have carried the request out.
    fileprivate var wasNotSent: Bool {
        switch cause as? HTTPFailure {
        case .connectionRefused, .untrusted: true
        default: false
        }
    }
}

/// DynamoDB knows the caller and does not let it do this, or does not know it.
package struct StoreDenied: Error, Hashable, Sendable, CustomStringConvertible {
    package let table: String
    package let operation: String
    package let endpoint: String
    package let cause: AWSError

    package var description: String {
        "DynamoDB at \(endpoint) refuses \(operation) on table \(table): \(cause); "
            + "grant dynamodb:\(operation) on it and its indexes (a worker needs \(Self.needed))"
    }

    static let needed =
        "DescribeTable, CreateTable, GetItem, PutItem, UpdateItem, DeleteItem, BatchWriteItem, Query, Scan"
}
