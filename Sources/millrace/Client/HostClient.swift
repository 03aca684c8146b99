import AWSClient
import AccessControl
import Foundation
import ManagementAPI

/// Calls a running host, over the same endpoint as every AWS client.
///
/// Every call blocks: a command has nothing else to do. And a thread of the client's that was still ending
/// while the process does would run into what libcurl's libraries have cleaned up by then.
struct HostClient: Sendable {
    private let endpoint: String
    private let access: HostAccess
    private let http: HTTPClient

    /// - Parameter timeout: The longest that one call may take.
    init(endpoint: String, access: HostAccess, timeout: Duration = .seconds(30)) {
        self.endpoint = endpoint.hasSuffix("/") ? String(endpoint.dropLast()) : endpoint
        self.access = access
        http = HTTPClient(timeout: timeout, caFile: access.caFile)
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
            let client = KinesisClient(
                endpoint: endpoint,
                region: access.region,
                credentials: access.credentials,
                http: http
            )
            return try client.callBlocking(operation, body)
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
        let answer = try await send(
            method,
            ManagementService.root + path,
            to: .management,
            body: [UInt8](body)
        )
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
    /// Sends a request and gives its answer, whatever it is.
    ///
    /// - Parameter path: Begins with a slash, and may end in a query.
    func send(
        _ method: String,
        _ path: String,
        to api: CalledAPI,
        headers: [(name: String, value: String)] = [],
        body: [UInt8] = []
    ) async throws -> ClientResponse {
        let isJSON: [(name: String, value: String)] = [("Content-Type", "application/json")]
        let hasType = headers.contains { $0.name == "Content-Type" }
        let request = ClientRequest(
            method: method,
            url: endpoint + path,
            headers: hasType ? headers : isJSON + headers,
            body: body
        )
        do {
            return try http.perform(request, signing: access.signing(for: api))
        } catch {
            throw CommandFailure(error)
        }
    }

    /// Prints an answer of the management API as it came.
    func printJSON(_ path: String) async throws {
        let body = try await management("GET", path)
        print(String(decoding: body, as: UTF8.self))
    }
}

extension CommandFailure {
    init(_ failure: HTTPFailure) {
        switch failure {
        case .connectionRefused:
            self.init(
                "\(failure)",
                hint: "start a host with `millrace serve`, or name another with --endpoint"
            )
        case .untrusted:
            self.init(
                "\(failure)",
                hint: "name the certificate of the authority that signed it with --ca-file or AWS_CA_BUNDLE"
            )
        case .timedOut, .failed:
            self.init("\(failure)", isUnanswered: true)
        }
    }
}
