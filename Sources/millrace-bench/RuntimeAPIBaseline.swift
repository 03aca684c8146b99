import Foundation

/// The awslambdaric function driven by as little as can drive it: one blocking thread a process that always answers with the same event.
///
/// What remains is the function's own limit, which the host is compared to.
struct RuntimeAPIBaseline {
    let workspace: BenchWorkspace
    let records: Int

    /// - Returns: Records per second.
    func measure(run: Int) throws -> Double {
        let response = Self.response(event: Self.event())
        let counters = try workspace.freshFolder("counters")
        let batches = records / FunctionBench.batchSize / LogBench.shards
        let python = workspace.python
        _ = try onThreads(LogBench.shards) { _ in
            try Self.drive(python: python, counters: counters, response: response, batches: batches)
        }
        let done = try HandlerCounters(folder: counters)
        let rate = Double(done.batches * FunctionBench.batchSize) / done.seconds
        say("awslambdaric alone \(run): \(Int(rate)) records/s")
        return rate
    }

    /// Starts one process and gives it the event so many times.
    private static func drive(python: String, counters: String, response: [UInt8], batches: Int) throws {
        let listener = try LoopbackListener()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: python)
        process.arguments = ["-m", "awslambdaric", "handler.handler"]
        process.currentDirectoryURL = URL(fileURLWithPath: "Sources/millrace-bench/Functions/python")
        process.environment = [
            "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:\(listener.port)", "BENCH_DIRECTORY": counters,
            "PYTHONDONTWRITEBYTECODE": "1",
        ]
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        defer {
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }

        let peer = try listener.accept()
        let accepted = Array("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n".utf8)
        for _ in 0..<batches {
            try peer.readRequest()
            try peer.write(response)
            try peer.readRequest()
            try peer.write(accepted)
        }
        // The next poll shows that the last batch has been counted.
        try peer.readRequest()
    }

    private static func response(event: String) -> [UInt8] {
        let head = """
            HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\
            Lambda-Runtime-Aws-Request-Id: 00000000-0000-4000-8000-000000000000\r\n\
            Lambda-Runtime-Deadline-Ms: 9999999999999\r\n\
            Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:000000000000:function:bench-python\r\n\
            Content-Length: \(event.utf8.count)\r\n\r\n
            """
        return Array((head + event).utf8)
    }

    /// An event as the host sends it: the same fields, digits and payload.
    private static func event() -> String {
        let data = Data(repeating: UInt8(ascii: "."), count: LogBench.payloadBytes).base64EncodedString()
        let records = (0..<FunctionBench.batchSize).map { number in
            let sequence = "170141183460469231731687303715884\(100_000 + number)"
            return """
                {"kinesis":{"kinesisSchemaVersion":"1.0","partitionKey":"key-1000-\(number)","sequenceNumber":"\(sequence)",\
                "data":"\(data)","approximateArrivalTimestamp":1545084650.987},"eventSource":"aws:kinesis",\
                "eventVersion":"1.0","eventID":"shardId-000000000000:\(sequence)","eventName":"aws:kinesis:record",\
                "invokeIdentityArn":"arn:aws:iam::000000000000:role/lambda-role","awsRegion":"us-east-1",\
                "eventSourceARN":"arn:aws:kinesis:us-east-1:000000000000:stream/bench"}
                """
        }
        return #"{"Records":[\#(records.joined(separator: ","))]}"#
    }
}
