import Foundation
import StreamCore
import Testing

@testable import LambdaAPI

struct FunctionRuleTests {
    static let refusals: [(options: String, message: String)] = [
        (#""Timeout":901"#, "'901' at 'timeout'"), (#""MemorySize":127"#, "'127' at 'memorySize'"),
        (#""Runtime":"nodejs22.x""#, "Value nodejs22.x at 'runtime'"),
        (#""Handler":"a b""#, "'a b' at 'handler'"),
        (#""Role":"r""#, "'r' at 'role'"), (#""PackageType":"Image""#, "PackageType Image is not supported"),
        (#""Architectures":["mips"]"#, "Architectures [mips] is not supported"),
        (#""TracingConfig":{"Mode":"Active"}"#, "TracingConfig.Mode is not supported"),
        (#""EphemeralStorage":{"Size":1024}"#, "EphemeralStorage.Size is not supported"),
        (#""LoggingConfig":{"LogFormat":"JSON"}"#, "LoggingConfig.LogFormat"),
        (#""SnapStart":{"ApplyOn":"PublishedVersions"}"#, "SnapStart.ApplyOn"),
        (#""Layers":["arn:aws:lambda:us-east-1:000000000000:layer:l:1"]"#, "Layers is not supported"),
        (#""VpcConfig":{"SubnetIds":["s"]}"#, "VpcConfig.SubnetIds"),
        (#""DeadLetterConfig":{"TargetArn":"arn:aws:sqs:r:1:q"}"#, "DeadLetterConfig.TargetArn"),
        (#""FileSystemConfigs":[{"Arn":"a","LocalMountPath":"/mnt/a"}]"#, "FileSystemConfigs"),
        (#""KMSKeyArn":"arn:aws:kms:r:1:key/k""#, "KMSKeyArn is not supported"),
        (
            #""Environment":{"Variables":{"AWS_LAMBDA_X":"1"}}"#,
            "Reserved keys used in this request: AWS_LAMBDA_X"
        ),
        (#""Environment":{"Variables":{"1A":"1"}}"#, "at 'environment.variables'"),
        (#""Environment":{"Variables":{"AB":"\#(String(repeating: "x", count: 4_095))"}}"#, "4KB limit"),
    ]

    @Test(arguments: refusals.indices)
    func `an option that does not work here is refused by its name`(index: Int) throws {
        let (json, message) = Self.refusals[index]
        let options = try LambdaCodec.decode(FunctionOptions.self, from: Array("{\(json)}".utf8))

        let error = #expect(throws: LambdaError.self) { try options.check(for: "f") }

        #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
    }

    @Test func `what deployment tools send by default is accepted`() throws {
        let json = """
            {"PackageType":"Zip","Architectures":["\(FunctionOptions.architecture)"],"TracingConfig":{"Mode":"PassThrough"},
             "EphemeralStorage":{"Size":512},"LoggingConfig":{"LogFormat":"Text","LogGroup":"/aws/lambda/f"},
             "SnapStart":{"ApplyOn":"None"},"VpcConfig":{"SubnetIds":[],"SecurityGroupIds":[],"Ipv6AllowedForDualStack":false},
             "Layers":[],"FileSystemConfigs":[],"DeadLetterConfig":{"TargetArn":""},"KMSKeyArn":"","ImageConfig":{},
             "CodeSigningConfigArn":"","Runtime":"provided.al2023","Handler":"bootstrap","Timeout":900,"MemorySize":10240}
            """
        let options = try LambdaCodec.decode(FunctionOptions.self, from: Array(json.utf8))

        try options.check(for: "f")
    }

    @Test(arguments: [
        ("f", nil), ("f:1", "1"), ("f:$LATEST", "$LATEST"), ("000000000000:function:f", nil),
        ("000000000000:f:live", "live"), ("arn:aws:lambda:us-east-1:000000000000:function:f", nil),
        ("arn:aws:lambda:us-east-1:000000000000:function:f:live", "live"),
        ("us-east-1:000000000000:function:f", nil),
    ])
    func `a function is known by its name and its ARN`(text: String, qualifier: String?) throws {
        let reference = try FunctionReference(text, names: ResourceNames())

        #expect(reference.name == "f")
        #expect(reference.qualifier?.text == qualifier)
    }

    @Test(arguments: ["", "a b", "f:", "f:1:2", "arn:aws:lambda:us-east-1:000000000000:f", "../f"])
    func `what is no function's name is told by its pattern`(text: String) {
        let error = #expect(throws: LambdaError.self) { try FunctionReference(text, names: ResourceNames()) }

        #expect(error?.kind == .validation)
    }

    @Test func `a qualifier must not contradict the one in the name`() {
        let error = #expect(throws: LambdaError.self) {
            try FunctionReference("f:1", qualifier: "2", names: ResourceNames())
        }

        #expect(error?.kind == .invalidParameterValue)
    }

    @Test func `code that is not uploaded with the call is refused by the option's name`() {
        let error = #expect(throws: LambdaError.self) { try CodeRequest(s3Bucket: "b", s3Key: "k").archive() }

        #expect(error?.message.hasPrefix("S3Bucket is not supported") == true)
    }

    @Test func `every operation is found by its own path`() {
        for operation in LambdaOperation.allCases where operation != .listProvisionedConcurrencyConfigs {
            let parts = operation.route.replacing("*", with: "x%3Ay").split(separator: " ")

            let call = LambdaCall(method: String(parts[0]), path: String(parts[1]), query: "")

            #expect(call?.operation == operation)
            #expect(call?.names.allSatisfy { $0 == "x:y" } == true)
        }
        #expect(LambdaCall(method: "PATCH", path: "/2015-03-31/functions", query: "") == nil)
    }
}
