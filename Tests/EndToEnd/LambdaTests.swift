import Foundation
import Testing

extension EndToEnd {
    /// Lambda's own clients, which must not notice that this is not Lambda.
    @Suite struct LambdaTests {
        @Test func `boto3 creates, invokes, changes, publishes and removes a function`() async throws {
            try await HostFolders.withFresh { folders in
                try await HostProcess.withHost(in: folders) { host in
                    let checked = try await host.python("check_functions.py", within: .seconds(900))
                    #expect(checked == "ok\n")
                }
            }
        }

        @Test func `boto3 sets up event source mappings with every kind of option`() async throws {
            try await HostFolders.withFresh { folders in
                try await HostProcess.withHost(in: folders) { host in
                    let checked = try await host.python(
                        "check_mappings.py",
                        folders.output,
                        within: .seconds(900)
                    )
                    #expect(checked == "ok\n")
                }
            }
        }

        @Test func `the aws command registers a function, maps it, invokes it and reads its log`()
            async throws
        {
            try await HostFolders.withFresh { folders in
                try
                    "def handler(event, context):\n    print('got', len(event.get('Records', [])))\n    return 'done'\n"
                    .write(toFile: folders.root + "/app.py", atomically: true, encoding: .utf8)
                try #"{"key": 1}"#.write(
                    toFile: folders.root + "/event.json",
                    atomically: true,
                    encoding: .utf8
                )
                try await HostProcess.withHost(in: folders) { host in
                    let zip = try await run(
                        Repository.python,
                        ["-m", "zipfile", "-c", folders.root + "/f.zip", folders.root + "/app.py"]
                    )
                    #expect(zip.isSuccess)
                    try await host.aws(
                        "lambda",
                        "create-function",
                        "--function-name",
                        "f",
                        "--runtime",
                        "python3.12",
                        "--handler",
                        "app.handler",
                        "--timeout",
                        "900",
                        "--role",
                        "arn:aws:iam::000000000000:role/r",
                        "--zip-file",
                        "fileb://\(folders.root)/f.zip"
                    )
                    try await host.aws("lambda", "wait", "function-active-v2", "--function-name", "f")
                    try await host.aws(
                        "kinesis",
                        "create-stream",
                        "--stream-name",
                        "flights",
                        "--shard-count",
                        "1"
                    )
                    try await host.aws(
                        "lambda",
                        "create-event-source-mapping",
                        "--function-name",
                        "f",
                        "--event-source-arn",
                        "arn:aws:kinesis:us-east-1:000000000000:stream/flights",
                        "--starting-position",
                        "TRIM_HORIZON"
                    )
                    try await host.aws(
                        "kinesis",
                        "put-record",
                        "--stream-name",
                        "flights",
                        "--partition-key",
                        "k",
                        "--data",
                        "YQ=="
                    )

                    try await host.aws(
                        "lambda",
                        "invoke",
                        "--function-name",
                        "f",
                        "--payload",
                        "file://\(folders.root)/event.json",
                        folders.root + "/out.json"
                    )

                    let answer = try String(contentsOfFile: folders.root + "/out.json", encoding: .utf8)
                    #expect(answer == #""done""#)
                    try await eventually("both invocations are in the log") {
                        let log = try await host.aws(
                            "logs",
                            "filter-log-events",
                            "--log-group-name",
                            "/aws/lambda/f",
                            "--output",
                            "text",
                            "--query",
                            "events[].message"
                        )
                        return log.contains("got 0") && log.contains("got 1")
                            && log.contains("REPORT RequestId: ")
                    }
                }
            }
        }
    }
}
