import Foundation
import TestSupport
import Testing

/// A worker of the Kinesis Client Library for Java: its MultiLangDaemon, with a processor that tells what happens to it.
///
/// Amazon's jars are in the wheel of `kclpy-ext`, which `make test` installs.
final class JavaWorker {
    private static let environment = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent(".build/kcl").path

    private let process = Process()
    private let story: URL

    init(of application: String, stream: String, endpoint: String, in directory: URL) throws {
        let environment = Self.environment
        let scripts = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Scripts")
        story = directory.appendingPathComponent("story")
        try Data().write(to: story)
        let properties = directory.appendingPathComponent("kcl.properties")
        let processor = scripts.appendingPathComponent("kcl_processor.py").path
        let lines = [
            "executableName = \(environment)/bin/python3 -B \(processor)", "streamName = \(stream)",
            "applicationName = \(application)", "regionName = us-east-1", "kinesisEndpoint = \(endpoint)",
            "dynamoDBEndpoint = \(endpoint)",
            "AwsCredentialsProvider = EnvironmentVariableCredentialsProvider",
            "initialPositionInStream = TRIM_HORIZON", "metricsLevel = NONE", "retrievalMode = POLLING",
            "idleTimeBetweenReadsInMillis = 200", "gracefulLeaseHandoffTimeoutMillis = 300000",
        ]
        try lines.joined(separator: "\n").write(to: properties, atomically: true, encoding: .utf8)
        let logging = directory.appendingPathComponent("logback.xml")
        let configuration = """
            <configuration><appender name="E" class="ch.qos.logback.core.ConsoleAppender"><encoder>
            <pattern>%d{HH:mm:ss.SSS} %-5level %logger{20} %msg%n</pattern></encoder></appender>
            <root level="INFO"><appender-ref ref="E"/></root></configuration>
            """
        try configuration.write(to: logging, atomically: true, encoding: .utf8)
        let log = directory.appendingPathComponent("log")
        try Data().write(to: log)
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = [
            "-c",
            "exec java -Daws.cborEnabled=false "
                + "-cp \"$(echo \(environment)/lib/python3*/site-packages/amazon_kclpy/jars)/*\" "
                + "software.amazon.kinesis.multilang.MultiLangDaemon --properties-file \(properties.path) "
                + "--log-configuration \(logging.path)",
        ]
        process.environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("AWS_") }
            .merging([
                "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y", "AWS_REGION": "us-east-1",
                "AWS_EC2_METADATA_DISABLED": "true", "KCL_STORY": story.path,
            ]) { $1 }
        process.standardOutput = try FileHandle(forWritingTo: log)
        process.standardError = process.standardOutput
        try process.start()
    }

    /// What its processors were told: the event, the shard, and a sequence number.
    var events: [[String]] {
        let text = (try? String(contentsOf: story, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
    }

    /// Ends it without a word to anyone.
    func kill() {
        Foundation.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }
}
