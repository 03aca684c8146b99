import AccessControl
import Foundation
import Testing

@testable import KinesisAPI

/// Who may call what, operation by operation.
struct PermissionTests {
    private static let kinesisReads: Set = [
        "DescribeLimits", "DescribeStream", "DescribeStreamConsumer", "DescribeStreamSummary", "GetRecords",
        "GetShardIterator", "ListShards", "ListStreamConsumers", "ListStreams", "ListTagsForResource",
        "ListTagsForStream", "SubscribeToShard",
    ]
    private static let producerCalls: Set = [
        "DescribeStream", "DescribeStreamSummary", "ListShards", "PutRecord", "PutRecords",
    ]

    @Test(arguments: KinesisOperation.allCases.map(\.rawValue))
    func `each operation of the Kinesis API is open to the roles that need it`(name: String) {
        let call = CalledOperation(method: "POST", path: "/", target: "Kinesis_20131202.\(name)")

        #expect(call.api == .kinesis)
        #expect(Role.admin.allows(call))
        #expect(Role.readOnly.allows(call) == Self.kinesisReads.contains(name))
        #expect(Role.produceOnly.allows(call) == Self.producerCalls.contains(name))
    }

    @Test(arguments: [
        ("DescribeLogGroups", true), ("DescribeLogStreams", true), ("GetLogEvents", true),
        ("FilterLogEvents", true), ("ListTagsForResource", true), ("PutLogEvents", false),
        ("CreateLogGroup", false), ("DeleteLogStream", false), ("PutRetentionPolicy", false),
    ])
    func `logs are read by readers, and changed by admins`(name: String, isRead: Bool) {
        let call = CalledOperation(method: "POST", path: "/", target: "Logs_20140328.\(name)")

        #expect(call.api == .logs)
        #expect(Role.allCases.filter { $0.allows(call) } == (isRead ? [.readOnly, .admin] : [.admin]))
    }

    @Test(arguments: [
        ("GET", "/2015-03-31/functions/", true), ("GET", "/2015-03-31/functions/f", true),
        ("GET", "/2015-03-31/functions/f/configuration", true),
        ("GET", "/2015-03-31/functions/f/versions", true),
        ("GET", "/2015-03-31/functions/f/aliases", true),
        ("GET", "/2019-09-30/functions/f/concurrency", true),
        ("GET", "/2015-03-31/event-source-mappings/", true),
        ("GET", "/2015-03-31/event-source-mappings/u", true), ("GET", "/2017-03-31/tags/arn", true),
        ("POST", "/2015-03-31/functions", false), ("POST", "/2015-03-31/functions/f/invocations", false),
        ("PUT", "/2015-03-31/functions/f/code", false),
        ("PUT", "/2015-03-31/functions/f/configuration", false),
        ("POST", "/2015-03-31/functions/f/versions", false),
        ("POST", "/2015-03-31/functions/f/aliases", false),
        ("PUT", "/2017-10-31/functions/f/concurrency", false),
        ("DELETE", "/2017-10-31/functions/f/concurrency", false),
        ("DELETE", "/2015-03-31/functions/f", false),
        ("POST", "/2015-03-31/event-source-mappings/", false),
        ("PUT", "/2015-03-31/event-source-mappings/u", false),
        ("DELETE", "/2015-03-31/event-source-mappings/u", false),
        ("POST", "/2017-03-31/tags/arn", false), ("DELETE", "/2017-03-31/tags/arn", false),
    ])
    func `functions are looked at by readers, and invoked and changed by admins`(
        method: String,
        path: String,
        isRead: Bool
    ) {
        let call = CalledOperation(method: method, path: path, target: nil)

        #expect(call.api == .lambda)
        #expect(Role.allCases.filter { $0.allows(call) } == (isRead ? [.readOnly, .admin] : [.admin]))
    }

    @Test(arguments: [
        ("GET", "/millrace/v1/functions", true), ("GET", "/millrace/v1/checkpoints", true),
        ("GET", "/", true), ("POST", "/millrace/v1/functions", false),
        ("PUT", "/millrace/v1/streams/s/retention", false), ("DELETE", "/millrace/v1/functions/f", false),
        ("GET", "/millrace/v1/leases", true), ("GET", "/millrace/v1/workers", true),
        ("POST", "/millrace/v1/leases/m/s/release", false), ("POST", "/millrace/v1/workers/w/drain", false),
        ("POST", "/elsewhere", false), ("GET", "/2015-3-31/functions", true), ("POST", "/2015-03-31", false),
    ])
    func `every other path is the host's own`(method: String, path: String, isRead: Bool) {
        let call = CalledOperation(method: method, path: path, target: nil)

        #expect(call.api == .management)
        #expect(Role.allCases.filter { $0.allows(call) } == (isRead ? [.readOnly, .admin] : [.admin]))
    }

    @Test func `a target decides before the path, so that none is permitted as the other`() {
        let call = CalledOperation(
            method: "GET",
            path: "/2015-03-31/functions",
            target: "Kinesis_20131202.DeleteStream"
        )

        #expect(call.api == .kinesis)
        #expect(Role.allCases.filter { $0.allows(call) } == [.admin])
    }

    @Test(arguments: [
        (CalledAPI.kinesis, 400, #"{"__type":"AccessDeniedException","message":"no"}"#),
        (.logs, 400, #"{"__type":"AccessDeniedException","message":"no"}"#),
        (.lambda, 403, #"{"Message":"no","Type":"User"}"#), (.management, 403, #"{"errors":["no"]}"#),
    ])
    func `a refusal has the shape of the API that was called`(api: CalledAPI, status: Int, body: String) {
        let refusal = AccessRefusal(.accessDenied, "no")

        #expect(refusal.status(of: api) == status)
        #expect(String(decoding: refusal.body(of: api), as: UTF8.self) == body)
    }
}
