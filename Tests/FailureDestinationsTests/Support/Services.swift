import AWSClient
import FailureDestinations
import Foundation
import StreamCore
import TestSupport
import Testing

/// SQS, SNS and S3 in a process of their own.
struct Services: Sendable {
    let url: String
    let keys: AWSCredentials

    /// What the host would find in its environment.
    var environment: [String: String] {
        [
            "AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": keys.accessKeyID,
            "AWS_SECRET_ACCESS_KEY": keys.secretAccessKey,
        ]
    }

    var router: FailureRouter { .reaching(environment) }

    /// Calls an operation of SQS.
    func sqs(_ operation: String, _ request: [String: Any]) async throws -> [String: Any] {
        let body = [UInt8](try JSONSerialization.data(withJSONObject: request))
        let answer = try await service("sqs").call("AmazonSQS.\(operation)", body)
        guard !answer.isEmpty else { return [:] }
        return try JSONSerialization.jsonObject(with: Data(answer)) as? [String: Any] ?? [:]
    }

    /// Calls an operation of SNS with a body that is a form already.
    ///
    /// - Returns: The XML answer.
    func sns(_ form: String) async throws -> String {
        let request = ClientRequest(
            method: "POST",
            url: url + "/",
            headers: [("Content-Type", "application/x-www-form-urlencoded")],
            body: Array(form.utf8)
        )
        return String(decoding: try await service("sns").send(request).body, as: UTF8.self)
    }

    func s3(_ method: String, _ path: String) async throws -> [UInt8] {
        try await service("s3").send(ClientRequest(method: method, url: url + path)).body
    }

    /// Makes a queue and returns its URL.
    func makeQueue(_ name: String, attributes: [String: String] = [:]) async throws -> String {
        let answer = try await sqs("CreateQueue", ["QueueName": name, "Attributes": attributes])
        return try #require(answer["QueueUrl"] as? String)
    }

    /// The bodies of the messages in a queue.
    func messages(in queueURL: String) async throws -> [String] {
        let answer = try await sqs(
            "ReceiveMessage",
            ["QueueUrl": queueURL, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 0]
        )
        return (answer["Messages"] as? [[String: Any]] ?? []).compactMap { $0["Body"] as? String }
    }

    private func service(_ name: String) throws -> AWSService {
        AWSService(
            name,
            region: "us-east-1",
            endpoint: try AWSEndpoint(of: name, region: "us-east-1", environment: environment),
            credentials: AWSCredentialSource(environment: environment, homeDirectory: "/nonexistent"),
            // A busy machine takes its time.
            http: HTTPClient(limits: HTTPClient.Limits(time: .seconds(600), connecting: .seconds(600)))
        )
    }
}

/// Runs the services during `body`.
///
/// - Parameter verifying: Only requests with right signatures are taken.
func withServices(verifying: Bool = false, _ body: (Services) async throws -> Void) async throws {
    let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let python = tests.deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent(".build/venv/bin/python3")
    try #require(FileManager.default.fileExists(atPath: python.path), "`make test` makes \(python.path)")
    let script = tests.appendingPathComponent("Scripts/services.py").path

    let process = Process()
    let (input, output) = (Pipe.toChild(), Pipe.toChild())
    process.executableURL = python
    process.arguments = ["-B", script] + (verifying ? ["--verify"] : [])
    process.environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("AWS_") }
    process.standardInput = input
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.start()
    // The script ends with its standard input, whatever becomes of this process.
    defer {
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
    }
    let line = await firstLine(of: output.fileHandleForReading)
    let words = line.split(separator: " ").map(String.init)
    try #require(words.count == 3, "the services did not start: \(line)")
    try await body(
        Services(
            url: "http://127.0.0.1:\(words[0])",
            keys: AWSCredentials(accessKeyID: words[1], secretAccessKey: words[2])
        )
    )
}

/// Waits on a thread of its own.
private func firstLine(of file: FileHandle) async -> String {
    await withCheckedContinuation { continuation in
        Thread.detachNewThread {
            var bytes = Data()
            while !bytes.contains(UInt8(ascii: "\n")) {
                let chunk = file.availableData
                if chunk.isEmpty { break }
                bytes += chunk
            }
            continuation.resume(
                returning: String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .newlines)
            )
        }
    }
}

extension HTTPClient.Limits {
    /// A busy machine takes its time.
    static var patient: HTTPClient.Limits {
        HTTPClient.Limits(
            time: .seconds(600),
            responseBytes: FailureRouter.callLimits.responseBytes,
            connecting: .seconds(600)
        )
    }
}

extension FailureRouter {
    /// Finds endpoints and keys in these variables only.
    static func reaching(
        _ environment: [String: String],
        http: HTTPClient = HTTPClient(limits: .patient)
    ) -> FailureRouter {
        FailureRouter(
            environment: environment,
            region: "us-east-1",
            credentials: AWSCredentialSource(environment: environment, homeDirectory: "/nonexistent"),
            streams: FailureStreams(maximumRecordBytes: 1 << 20) { _, _, _ in },
            http: http
        )
    }
}
