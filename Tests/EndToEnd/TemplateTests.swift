import Foundation
import Testing

extension EndToEnd {
    /// SAM templates on a running host.
    @Suite struct TemplateTests {
        @Test func `a template is registered with its streams, and its function runs`() async throws {
            try await HostFolders.withFresh { folders in
                let template = try folders.writeTemplate(events: "")
                try await HostProcess.withHost(in: folders) { host in
                    try await host.millrace(
                        "function",
                        "register",
                        "--sam",
                        template,
                        "--parameter",
                        "Shards=3",
                        "--parameter",
                        "Output=\(folders.output)"
                    )

                    let described = try await host.millrace("stream", "describe", "events-sam-app")
                    #expect(described.contains("shardId-000000000002"))
                    #expect(described.contains("retention  48 h\n"))
                    let shown = try await host.millrace("function", "show", "Recorder")
                    #expect(shown.contains("description  Writes down what it gets."))
                    #expect(shown.contains("tags         team=flights"))
                    let file = folders.root + "/lines"
                    try "first\nsecond\n".write(toFile: file, atomically: true, encoding: .utf8)
                    try await host.millrace("stream", "put", "events-sam-app", file)
                    try await eventually("the function runs") {
                        try folders.deliveries().map(\.record.data).sorted() == ["first", "second"]
                    }

                    // Repeating is safe.
                    try await host.millrace(
                        "function",
                        "register",
                        "--sam",
                        template,
                        "--parameter",
                        "Shards=3",
                        "--parameter",
                        "Output=\(folders.output)"
                    )
                }
            }
        }

        @Test func `a template with what is not supported is refused, or imported without it when asked`()
            async throws
        {
            try await HostFolders.withFresh { folders in
                let template = try folders.writeTemplate(events: "Web: {Type: Api}")
                try await HostProcess.withHost(in: folders) { host in
                    let words = ["function", "register", "--sam", template, "--endpoint", host.endpoint]

                    let refused = try await run(Repository.millrace, words)

                    #expect(refused.end == .exited(1))
                    #expect(
                        refused.standardError.contains(
                            "error: \(template):21:9: event Web is of type Api, which is not supported"
                        )
                    )
                    #expect(refused.standardError.contains("--skip-unsupported"))
                    #expect(try await !host.millrace("function", "list").contains("Recorder"))
                    #expect(try await !host.millrace("stream", "list").contains("events-sam-app"))

                    let imported = try await run(Repository.millrace, words + ["--skip-unsupported"])

                    #expect(imported.isSuccess)
                    #expect(imported.standardError.contains("left out: \(template):21:9: event Web"))
                    #expect(try await host.millrace("function", "list").contains("Recorder"))
                    #expect(try await host.millrace("stream", "list").contains("events-sam-app"))
                }
            }
        }
    }
}

extension HostFolders {
    /// A template of the recorder and its stream.
    fileprivate func writeTemplate(events: String) throws -> String {
        try FileManager.default.createDirectory(atPath: root + "/code", withIntermediateDirectories: true)
        try FileManager.default.copyItem(
            atPath: Repository.endToEnd.appendingPathComponent("Functions/recorder/bootstrap").path,
            toPath: root + "/code/bootstrap"
        )
        let file = root + "/template.yaml"
        try """
        Transform: AWS::Serverless-2016-10-31
        Parameters:
          Shards: {Type: Number, Default: 1}
          Output: {Type: String, Default: /nowhere}
        Globals:
          Function: {Timeout: 60, Tags: {team: flights}}
        Resources:
          Recorder:
            Type: AWS::Serverless::Function
            Properties:
              Description: Writes down what it gets.
              CodeUri: code
              Handler: bootstrap
              Runtime: provided.al2023
              Environment: {Variables: {OUTPUT_DIRECTORY: !Ref Output}}
              Events:
                Records:
                  Type: Kinesis
                  Properties: {Stream: !GetAtt Events.Arn, StartingPosition: TRIM_HORIZON}
                # Line 21 may hold another event.
                \(events)
          Events:
            Type: AWS::Kinesis::Stream
            Properties: {Name: !Sub "events-${AWS::StackName}", ShardCount: !Ref Shards, RetentionPeriodHours: 48}
        """.write(toFile: file, atomically: true, encoding: .utf8)
        return file
    }
}
