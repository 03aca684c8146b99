import Coordination
import EmbeddedLog
import Foundation
import Logging
import ManagementAPI
import StreamCore
import TestSupport
import Testing

@testable import millrace

@Suite struct RetentionTests {
    @Test(arguments: [
        ("1h", RetentionPeriod.hours(1)), ("24h", .hours(24)), ("7d", .hours(168)), ("365d", .hours(8_760)),
        ("8760h", .hours(8_760)), ("none", .unlimited),
    ])
    func `a retention is hours, days or none`(text: String, expected: RetentionPeriod) {
        #expect(RetentionPeriod(argument: text) == expected)
    }

    @Test(arguments: ["", "h", "0h", "-1d", "8761h", "366d", "24", "7w", "None"])
    func `any other retention is refused`(text: String) {
        #expect(RetentionPeriod(argument: text) == nil)
    }

    @Test(arguments: [#"{"hours":1}"#, #"{"hours":8760}"#, #"{"hours":null}"#])
    func `the retention that was set over the management API is the stream's`(body: String) async throws {
        try await withService { service, stream in
            let answer = await service.handle(method: "PUT", path: path("events"), body: Data(body.utf8))
            #expect(answer.status == 200)

            let told = await service.handle(method: "GET", path: path("events"), body: Data())
            #expect(String(decoding: told.body, as: UTF8.self) == body)
            let hours = try JSONDecoder().decode(RetentionSummary.self, from: told.body).hours
            #expect(stream.retention == hours.map(Retention.hours) ?? .unlimited)
        }
    }

    @Test(arguments: [
        ("events", #"{"hours":0}"#, 400), ("events", #"{"hours":8761}"#, 400), ("events", "{}", 400),
        ("events", "", 400), ("absent", #"{"hours":48}"#, 404), ("a*b", #"{"hours":48}"#, 404),
    ])
    func `a retention that cannot be is refused, and nothing changes`(
        stream: String,
        body: String,
        status: Int
    )
        async throws
    {
        try await withService { service, events in
            let answer = await service.handle(method: "PUT", path: path(stream), body: Data(body.utf8))

            #expect(answer.status == status)
            #expect(events.retention == .standard)
        }
    }

    private func path(_ stream: String) -> String { "/millrace/v1/streams/\(stream)/retention" }

    private func withService(_ body: (ManagementService, EmbeddedStream) async throws -> Void) async throws {
        try await withTemporaryDirectory { directory in
            let log = try EmbeddedLog.open(
                directory: directory,
                options: LogOptions(),
                logger: Logger(label: "test")
            )
            defer { log.close() }
            let stream = try log.createStream("events", shardCount: 1)
            let host = ManagedHost(
                functions: { [] },
                register: { _ in throw RegistrationRefused(reasons: ["not in this test"]) },
                remove: { _ in false },
                processes: { _ in HandlerReport() },
                leases: { _ in [] },
                mappingState: { _ in "enabled" },
                retention: ManagedRetention(of: log)
            )
            let service = ManagementService(
                host: host,
                statuses: ShardStatuses(),
                now: { Timestamp(milliseconds: 0) }
            )
            try await body(service, stream)
        }
    }
}
