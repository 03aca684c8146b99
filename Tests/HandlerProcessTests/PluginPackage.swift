import Foundation
import TestSupport
import Testing

/// A plugin package outside of this one, built once for all tests as its author would build it.
actor PluginPackage {
    static let shared = PluginPackage()

    private var build: Task<String, any Error>?

    /// The package's directory, built.
    func path() async throws -> String {
        let build = build ?? Task { try await onOwnThread { try Self.make() } }
        self.build = build
        return try await build.value
    }

    private static func make() throws -> String {
        let checkout = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().path
        // Kept between runs, so that only the first one compiles everything.
        let directory = "\(checkout)/.build/test-plugin"
        let sources = "\(directory)/Sources/TestPlugin"
        try FileManager.default.createDirectory(atPath: sources, withIntermediateDirectories: true)
        try update("\(directory)/Package.swift", manifest(checkout))
        try update("\(sources)/TestPlugin.swift", pluginSource)
        try swiftBuild(directory)
        return directory
    }

    /// An unchanged file keeps its date, so that it is not compiled again.
    private static func update(_ path: String, _ text: String) throws {
        guard (try? String(contentsOfFile: path, encoding: .utf8)) != text else { return }
        try text.write(toFile: path, atomically: true, encoding: .utf8)
    }

    private static func swiftBuild(_ directory: String) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["swift", "build", "--package-path", directory]
        let output = Pipe.toChild()
        process.standardOutput = output
        process.standardError = output
        try process.start()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "swift build of the plugin: \(text)")
        for foreign in ["swift-log", "GRDB", "hummingbird"] {
            #expect(!text.contains("Compiling \(foreign)"), "a plugin builds none of the host's dependencies")
        }
    }

    private static func manifest(_ checkout: String) -> String {
        """
        // swift-tools-version: 6.1
        import PackageDescription

        let package = Package(
            name: "test-plugin",
            products: [.library(name: "TestPlugin", type: .dynamic, targets: ["TestPlugin"])],
            dependencies: [.package(name: "millrace", path: "\(checkout)", traits: [])],
            targets: [
                .target(name: "TestPlugin", dependencies: [.product(name: "MillraceFunction", package: "millrace")])
            ],
            swiftLanguageModes: [.v6]
        )

        """
    }
}

/// The first record's payload is what it does.
private let pluginSource = #"""
    import Glibc
    import MillraceFunction

    struct TestPlugin: StreamFunction {
        struct NoTable: Error, CustomStringConvertible { let description = "no table" }
        struct BadFlight: Error, CustomStringConvertible { let description: String }

        private var kept: [Record] = []
        private var handled = 0

        init() throws {
            if getenv("FAIL") != nil { throw NoTable() }
        }

        mutating func handle(_ batch: RecordBatch, context: InvocationContext) async throws -> BatchResponse {
            handled += 1
            if let window = context.window, batch.isEmpty { return .success.with(state: window.state) }
            guard let first = batch.first else { return .success }
            let words = String(decoding: first.payload, as: UTF8.self)
                .split(separator: " ", maxSplits: 1).map(String.init)
            switch words[0] {
            case "throw": throw BadFlight(description: words[1])
            case "fail-third": return .failed([batch[2], batch[3]])
            case "fail-number": return .failed(sequenceNumbers: [words[1]])
            case "crash":
                if words.count > 1 {
                    note(words[1])
                    // Until the test opens the pipe.
                    close(open(words[1] + ".release", O_RDONLY))
                }
                fatalError("wings fell off")
            case "exit": exit(9)
            case "hang":
                note(words[1])
                while true { sleep(1000) }
            case "garbage": write(3, "this is no frame at all", 23)
            case "unknown-answer": write(3, [40, 0, 0, 0, 3, 2, 0, 0] + [UInt8](repeating: 99, count: 40), 48)
            case "close": close(3)
            case "log": context.log(words[1])
            case "print": print(words[1])
            case "window":
                guard let window = context.window else { throw BadFlight(description: "no window") }
                let state = String(decoding: window.state, as: UTF8.self)
                let flags = [window.isFinal, window.isTerminatedEarly]
                let times = "\"from\":\(window.start),\"to\":\(window.end)"
                let text = "{\"was\":\(state),\(times),\"flags\":\(flags)}"
                return (words.count > 1 ? BatchResponse.failed([batch[1]]) : .success).with(state: text.utf8)
            case "sleep": try await Task.sleep(for: .milliseconds(5))
            case "keep": kept += batch
            case "kept":
                let text = kept.map { String(decoding: $0.payload, as: UTF8.self) }.joined(separator: ",")
                throw BadFlight(description: text)
            case "describe":
                throw BadFlight(description: describe(batch, context))
            default: break
            }
            return .success
        }

        /// Shows the test that a batch is being handled.
        private func note(_ path: String) { close(open(path, O_CREAT | O_WRONLY, 0o600)) }

        private func describe(_ batch: RecordBatch, _ context: InvocationContext) -> String {
            let records = batch.map { record in
                "\(record.partitionKey)@\(record.sequenceNumber)@\(record.approximateArrival)"
                    + "=\(record.payload.count)"
            }
            let isInTime = context.remaining > .seconds(1800) && context.remaining <= .seconds(3600)
            return "\(batch.shardID) \(batch.streamARN) \(context.requestID) \(isInTime) \(records) \(handled)"
        }
    }

    @_cdecl("millrace_function")
    public func millraceFunction(_ channel: Int32) -> Int32 { TestPlugin.run(channel) }

    """#
