import Foundation
import FunctionManifest
import StreamCore
import TestSupport
import Testing

struct FunctionManifestTests {
    @Test func `every setting of a function is read`() async throws {
        let yaml = """
            FunctionName: delay-alerts
            Description: Raises delay alerts.
            Runtime: python3.12
            Handler: app.handler
            CodeUri: ./source
            Timeout: 900
            MemorySize: 10240
            ReservedConcurrentExecutions: 4
            Role: arn:aws:iam::000000000000:role/alerts
            Tags: {team: flights, floor: 3}
            Environment:
              Variables:
                LEVEL: "debug"
                PORT: 8080
                VERBOSE: true
                ANSWER: on
            Events:
              Flights:
                Type: Kinesis
                Properties:
                  Stream: arn:aws:kinesis:us-east-1:000000000000:stream/flights
                  StartingPosition: AT_TIMESTAMP
                  StartingPositionTimestamp: 1700000000.5
                  BatchSize: 10000
                  MaximumBatchingWindowInSeconds: 300
                  Enabled: false
              Airports:
                Type: Kinesis
                Properties: {Stream: airports, StartingPosition: LATEST}
            """
        try await withFunctions(["orders": yaml]) { directory in
            let source = "\(directory)/orders/source"
            try FileManager.default.createDirectory(atPath: source, withIntermediateDirectories: true)

            let function = try FunctionManifest.load(directory: "\(directory)/orders")

            let flights = EventSource(
                stream: "flights",
                startingPosition: .atTimestamp(Timestamp(milliseconds: 1_700_000_000_500)),
                batchSize: 10_000,
                batchWindowSeconds: 300,
                isEnabled: false
            )
            let expected = FunctionDefinition(
                name: "delay-alerts",
                runtime: .python("python3.12"),
                handler: "app.handler",
                codeDirectory: source,
                description: "Raises delay alerts.",
                role: "arn:aws:iam::000000000000:role/alerts",
                timeoutSeconds: 900,
                memoryMegabytes: 10_240,
                environment: ["LEVEL": "debug", "PORT": "8080", "VERBOSE": "true", "ANSWER": "on"],
                concurrencyLimit: 4,
                eventSources: [flights, EventSource(stream: "airports", startingPosition: .latest)],
                tags: ["team": "flights", "floor": "3"]
            )
            #expect(function == expected)
        }
    }

    @Test func `a function needs a runtime, the rest has defaults`() async throws {
        let function = try await load("Runtime: provided.al2023")

        #expect(function.name == "orders")
        #expect(function.runtime == .provided("provided.al2023"))
        #expect(function.handler == "bootstrap")
        #expect(function.codeDirectory.hasSuffix("/orders"))
        #expect(function.timeoutSeconds == 3)
        #expect(function.memoryMegabytes == 128)
        #expect(function.concurrencyLimit == FunctionDefinition.defaultConcurrencyLimit)
        #expect(function.environment.isEmpty)
        #expect(function.eventSources.isEmpty)
    }

    @Test func `the resource of a SAM template is read like its Properties`() async throws {
        let yaml = """
            Type: AWS::Serverless::Function
            Properties:
              Runtime: swift-plugin
              Handler: DelayAlerts
              Events:
                Flights:
                  Type: Kinesis
                  Properties:
                    Stream: flights
                    StartingPosition: TRIM_HORIZON
            """

        let function = try await load(yaml)

        #expect(function.runtime == .swiftPlugin)
        #expect(function.handler == "DelayAlerts")
        #expect(function.eventSources == [EventSource(stream: "flights", startingPosition: .trimHorizon)])
    }

    @Test func `all folders with a function yaml are read, in the order of their names`() async throws {
        let manifests = ["b": "Runtime: provided", "a": "Runtime: provided.al2"]
        try await withFunctions(manifests) { directory in
            try FileManager.default.createDirectory(
                atPath: "\(directory)/c",
                withIntermediateDirectories: true
            )
            try Data().write(to: URL(fileURLWithPath: "\(directory)/README.md"))

            let functions = try FunctionManifest.loadAll(in: directory)

            #expect(functions.map(\.name) == ["a", "b"])
        }
    }

    @Test func `the problems of all files are told at once, with file, line and column`() async throws {
        let manifests = [
            "a": "Runtime: provided\nTimeout: 0\nMemory: 1\n",
            "b": "Runtime: provided\n",
            "c": "Runtime: [",
        ]
        try await withFunctions(manifests) { directory in
            let failure = #expect(throws: InvalidManifests.self) {
                try FunctionManifest.loadAll(in: directory)
            }

            let lines = "\(try #require(failure))".split(separator: "\n")
            #expect(lines.count == 3)
            #expect(
                lines[0]
                    == "\(directory)/a/function.yaml:2:10: Timeout is 0; it must be a whole number, 1–900"
            )
            #expect(
                lines[1].hasPrefix("\(directory)/a/function.yaml:3:1: Memory is not a key of the function")
            )
            #expect(lines[2].hasPrefix("\(directory)/c/function.yaml:"))
            #expect(lines[2].contains("not valid YAML"))
        }
    }

    @Test func `two functions of one name are refused with both files`() async throws {
        let manifests = [
            "a": "Runtime: provided\nFunctionName: same\n",
            "same": "Runtime: provided\n",
        ]
        try await withFunctions(manifests) { directory in
            let failure = #expect(throws: InvalidManifests.self) {
                try FunctionManifest.loadAll(in: directory)
            }

            let expected =
                "\(directory)/same/function.yaml:1:1: "
                + "function same is defined in \(directory)/a/function.yaml already"
            #expect(failure?.description == expected)
        }
    }

    @Test func `a folder without a function is refused`() async throws {
        try await withFunctions([:]) { directory in
            let failure = #expect(throws: InvalidManifests.self) {
                try FunctionManifest.loadAll(in: directory)
            }

            #expect(failure?.description == "\(directory): no subfolder has a function.yaml")
        }
    }

    @Test func `the folder of one function is refused with the folder that was meant`() async throws {
        try await withFunctions(["orders": "Runtime: provided"]) { directory in
            let failure = #expect(throws: InvalidManifests.self) {
                try FunctionManifest.loadAll(in: "\(directory)/orders")
            }

            let expected =
                "\(directory)/orders: no subfolder has a function.yaml; "
                + "it has one itself: name its parent \(directory)"
            #expect(failure?.description == expected)
        }
    }

    @Test func `files that are nearly called function yaml are named`() async throws {
        try await withFunctions([:]) { directory in
            for file in ["a/functions.yaml", "b/function.yml", "c/function.py", "d/settings.yaml"] {
                let url = URL(fileURLWithPath: "\(directory)/\(file)")
                try FileManager.default.createDirectory(
                    at: url.deletingLastPathComponent(),
                    withIntermediateDirectories: true
                )
                try Data().write(to: url)
            }

            let failure = #expect(throws: InvalidManifests.self) {
                try FunctionManifest.loadAll(in: directory)
            }

            let expected =
                "\(directory): no subfolder has a function.yaml; "
                + "\(directory)/a/functions.yaml must be called function.yaml; "
                + "\(directory)/b/function.yml must be called function.yaml"
            #expect(failure?.description == expected)
        }
    }

    @Test func `a folder that does not exist is refused by name`() async throws {
        try await withTemporaryDirectory { directory in
            let all = #expect(throws: InvalidManifests.self) {
                try FunctionManifest.loadAll(in: "\(directory)/none")
            }
            let one = #expect(throws: InvalidManifests.self) {
                try FunctionManifest.load(directory: directory)
            }

            #expect(
                all?.description.hasPrefix("\(directory)/none: the folder of functions cannot be read")
                    == true
            )
            #expect(one?.description.hasPrefix("\(directory)/function.yaml: the file cannot be read") == true)
        }
    }
}
