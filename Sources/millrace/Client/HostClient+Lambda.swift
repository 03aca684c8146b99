import AWSClient
import AccessControl
import Foundation

/// Calls of Lambda's REST API and of CloudWatch Logs.
extension HostClient {
    /// Calls Lambda's REST API.
    ///
    /// - Parameter path: What follows the version: `event-source-mappings/UUID`.
    /// - Throws: `CommandFailure` with the type and message of a refusal.
    @discardableResult
    func lambda(
        _ method: String,
        _ path: String,
        headers: [(name: String, value: String)] = [],
        body: [UInt8] = []
    ) async throws -> ClientResponse {
        let answer = try await send(method, Self.lambdaRoot + path, to: .lambda, headers: headers, body: body)
        guard (200..<300).contains(answer.status) else { throw CommandFailure("\(AWSError(answer))") }
        return answer
    }

    /// Calls Lambda's REST API with JSON and reads JSON.
    @discardableResult
    func lambda(_ method: String, _ path: String, json request: [String: Any]) async throws -> [String: Any] {
        let body = try JSONSerialization.data(withJSONObject: request)
        return Self.object(in: try await lambda(method, path, body: [UInt8](body)))
    }

    /// An event source mapping as Lambda's API shows it; `nil` when there is none of that name.
    func mappingConfiguration(_ id: String) async throws -> [String: Any]? {
        let answer = try await send("GET", Self.lambdaRoot + "event-source-mappings/\(id)", to: .lambda)
        if answer.status == 404 { return nil }
        guard (200..<300).contains(answer.status) else { throw CommandFailure("\(AWSError(answer))") }
        return Self.object(in: answer)
    }

    /// Waits until the first process of a function that was just registered has started, or has failed to.
    func waitUntilTried(_ function: String) async throws {
        let end = ContinuousClock.now + Self.longestStart
        while true {
            let answer = try await lambda("GET", "functions/\(function.pathPart)/configuration")
            guard Self.object(in: answer)["State"] as? String == "Pending" else { return }
            guard ContinuousClock.now < end else {
                throw CommandFailure(
                    "function \(function) is still starting",
                    hint: "`millrace function show \(function)` tells how its processes fare"
                )
            }
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    /// Calls an operation of CloudWatch Logs.
    func logs(_ operation: String, _ request: [String: Any]) async throws -> [String: Any] {
        let answer = try await send(
            "POST",
            "/",
            to: .logs,
            headers: [
                ("Content-Type", "application/x-amz-json-1.1"),
                ("X-Amz-Target", "Logs_20140328.\(operation)"),
            ],
            body: [UInt8](try JSONSerialization.data(withJSONObject: request))
        )
        guard (200..<300).contains(answer.status) else { throw CommandFailure("\(AWSError(answer))") }
        return Self.object(in: answer)
    }

    private static let longestStart = Duration.seconds(120)
    private static let lambdaRoot = "/2015-03-31/"

    private static func object(in answer: ClientResponse) -> [String: Any] {
        (try? JSONSerialization.jsonObject(with: Data(answer.body))) as? [String: Any] ?? [:]
    }
}

extension String {
    /// As one part of a path: a function's ARN has colons, and a name that is wrong may have anything.
    var pathPart: String {
        addingPercentEncoding(
            withAllowedCharacters: .alphanumerics.union(CharacterSet(charactersIn: "-_.$:"))
        )
            ?? self
    }
}
