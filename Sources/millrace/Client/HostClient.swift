import AWSClient
import Foundation
import ManagementAPI

/// Calls a running host, over the same endpoint as every AWS client.
///
/// Every call blocks: a command has nothing else to do. And a thread of the client's that was still ending
/// while the process does would run into what libcurl's libraries have cleaned up by then.
struct HostClient: Sendable {
    private let endpoint: String
    private let http = HTTPClient()

    init(endpoint: String) {
        self.endpoint = endpoint.hasSuffix("/") ? String(endpoint.dropLast()) : endpoint
    }

    /// Calls an operation of the Kinesis API.
    func kinesis(_ operation: String, _ request: [String: Any] = [:]) async throws -> [String: Any] {
        let body = try JSONSerialization.data(withJSONObject: request)
        let answer = try await kinesis(operation, body: [UInt8](body))
        guard !answer.isEmpty else { return [:] }
        return try JSONSerialization.jsonObject(with: Data(answer)) as? [String: Any] ?? [:]
    }

    /// Calls an operation of the Kinesis API with a body that is JSON already.
    func kinesis(_ operation: String, body: [UInt8]) async throws -> [UInt8] {
        do {
            return try KinesisClient(endpoint: endpoint, http: http).callBlocking(operation, body)
        } catch let error as AWSError {
            throw CommandFailure("\(error)")
        } catch let failure as HTTPFailure {
            throw CommandFailure(failure)
        }
    }

    /// Calls the management API and decodes its answer.
    func management<Answer: Decodable>(
        _ method: String,
        _ path: String,
        _ request: (any Encodable)? = nil,
        as type: Answer.Type
    ) async throws -> Answer {
        let body = try await management(method, path, request)
        return try JSONDecoder().decode(type, from: Data(body))
    }

    @discardableResult
    func management(_ method: String, _ path: String, _ request: (any Encodable)? = nil) async throws
        -> [UInt8]
    {
        let body = try request.map { try JSONEncoder().encode($0) } ?? Data()
        let request = ClientRequest(
            method: method,
            url: endpoint + ManagementService.root + path,
            headers: [("Content-Type", "application/json")],
            body: [UInt8](body)
        )
        let answer: ClientResponse
        do {
            answer = try http.perform(request)
        } catch {
            throw CommandFailure(error)
        }
        guard (200..<300).contains(answer.status) else {
            if let refusal = try? JSONDecoder().decode(ErrorAnswer.self, from: Data(answer.body)) {
                throw CommandFailure(messages: refusal.errors, hint: refusal.hint)
            }
            throw CommandFailure("the host at \(endpoint) answered HTTP \(answer.status)")
        }
        return answer.body
    }
}

extension HostClient {
    /// Prints an answer of the management API as it came.
    func printJSON(_ path: String) async throws {
        let body = try await management("GET", path)
        print(String(decoding: body, as: UTF8.self))
    }
}

extension CommandFailure {
    init(_ failure: HTTPFailure) {
        if case .connectionRefused = failure {
            self.init(
                "\(failure)",
                hint: "start a host with `millrace serve`, or name another with --endpoint"
            )
        } else {
            self.init("\(failure)", isUnanswered: true)
        }
    }
}
