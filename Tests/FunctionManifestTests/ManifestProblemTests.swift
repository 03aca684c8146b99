import FunctionManifest
import StreamCore
import Testing

struct ManifestProblemTests {
    struct Case: CustomTestStringConvertible {
        let yaml: String
        let problem: String
        var testDescription: String { yaml }

        init(_ yaml: String, _ problem: String) {
            self.yaml = yaml
            self.problem = problem
        }
    }

    @Test(arguments: [
        Case("Timeout: \"3\"", "1:10: Timeout is the text \"3\"; it must be a whole number, 1–900"),
        Case("Timeout: 3.5", "1:10: Timeout is 3.5; it must be a whole number, 1–900"),
        Case("Timeout: 901", "1:10: Timeout is 901; it must be a whole number, 1–900"),
        Case("Timeout:", "1:9: Timeout is empty; it must be a whole number, 1–900"),
        Case("MemorySize: 64", "1:13: MemorySize is 64; it must be a whole number, 128–10,240"),
        Case("MemorySize: [128]", "1:13: MemorySize is a list; it must be a whole number, 128–10,240"),
        Case(
            "ReservedConcurrentExecutions: 1001",
            "1:31: ReservedConcurrentExecutions is 1001; it must be a whole number, 1–1,000"
        ),
        Case("FunctionName: 12", "1:15: FunctionName is 12; it must be text"),
        Case("FunctionName: true", "1:15: FunctionName is true; it must be text"),
        Case("Description: {a: b}", "1:14: Description is a map; it must be text"),
        Case("Tiemout: 3", "1:1: Tiemout is not a key of the function; did you mean Timeout?"),
        Case("memorysize: 3", "1:1: memorysize is not a key of the function; did you mean MemorySize?"),
        Case("Layer: 3", "1:1: Layer is not a key of the function; did you mean Layers?"),
        Case("Zebra: 3", "1:1: Zebra is not a key of the function"),
        Case("[a]: 3", "1:1: the function has a key that is a list"),
        Case("Layers: []", "1:1: Layers is not supported by this version"),
        Case("VpcConfig: {}", "1:1: VpcConfig is not supported by this version"),
        Case("Role: admin", "1:7: Role is the text \"admin\"; it must be the ARN of a role"),
        Case("Tags: [a]", "1:7: Tags is a list; it must be a map"),
        Case("Tags: {a: [b]}", "1:11: tag a is a list; it must be text of at most 256 characters"),
        Case("Tags: {'aws:a': b}", "1:8: the text \"aws:a\" is no key of a tag"),
        Case(
            "CodeUri: 's3://bucket/key'",
            "1:10: CodeUri is the text \"s3://bucket/key\"; code is read from"
        ),
        Case("Policies: x", "1:1: Policies is not supported by this version"),
        Case("Resources: {}", "1:1: Resources is not supported by this version"),
        Case("CodeUri: nowhere", "1:10: CodeUri is the text \"nowhere\"; there is no folder"),
        Case("CodeUri: !Ref Code", "1:10: CodeUri uses !Ref, which is not supported by this version"),
        Case("Environment: {Vars: {}}", "1:15: Vars is not a key of Environment"),
        Case("Environment: {Variables: [A]}", "1:26: Variables is a list; it must be a map"),
        Case("Environment: {Variables: {A-B: c}}", "1:27: A-B is no name of a variable"),
        Case("Environment: {Variables: {A: [c]}}", "1:30: variable A is a list"),
        Case("Environment: {Variables: {A: }}", "1:30: variable A is empty"),
        Case("Environment: {Variables: {_HANDLER: c}}", "1:27: variable _HANDLER is set by the host"),
        Case("Events: [Flights]", "1:9: Events is a list; it must be a map"),
        Case("Timeout: 3\nTimeout: 3", "2:1: Timeout stands in line 1 already"),
        Case("Timeout: 3\r\n# ü\r\nTimeout: 3", "3:1: Timeout stands in line 1 already"),
        Case("Environment:\n  Variables: {ä: 1, B: 2, ä: 3}", "2:27: ä stands in line 2 already"),
        Case("MemorySize: 128\n'Timeout': 3\n\"Timeout\": 3", "3:1: Timeout stands in line 2 already"),
        Case("? [a]\n: 1\n? [a]\n: 2", "1:3: <uncovertable> appears more than once"),
    ])
    func `a wrong setting is refused with its place, its value and what it must be`(wrong: Case) async throws
    {
        let found = try await problems(of: "\(wrong.yaml)\nRuntime: provided\n")

        #expect(found.count == 1)
        #expect(try #require(found.first).hasPrefix(wrong.problem), "\(found)")
    }

    @Test(arguments: [
        Case("BatchSize: 10001", "BatchSize is 10001; it must be a whole number, 1–10,000"),
        Case("BatchSize: 0", "BatchSize is 0; it must be a whole number, 1–10,000"),
        Case(
            "MaximumBatchingWindowInSeconds: 301",
            "MaximumBatchingWindowInSeconds is 301; it must be a whole number, 0–300"
        ),
        Case("Enabled: yes", "Enabled is the text \"yes\"; it must be true or false"),
        Case("Enabled: \"true\"", "Enabled is the text \"true\"; it must be true or false"),
        Case(
            "StartingPositionTimestamp: 1",
            "StartingPositionTimestamp is 1; it goes with StartingPosition AT_TIMESTAMP only"
        ),
        Case("BatchSzie: 1", "BatchSzie is not a key of event Flights; did you mean BatchSize?"),
        Case("ProvisionedPollerConfig: {}", "ProvisionedPollerConfig is not supported by this version"),
    ])
    func `a wrong setting of an event is refused`(wrong: Case) async throws {
        let yaml = """
            Runtime: provided
            Events:
              Flights:
                Type: Kinesis
                Properties:
                  Stream: flights
                  StartingPosition: LATEST
                  \(wrong.yaml)
            """

        let found = try await problems(of: yaml)

        #expect(found.count == 1)
        let problem = try #require(found.first)
        #expect(problem.hasPrefix("8:"))
        #expect(problem.hasSuffix(wrong.problem), "\(problem)")
    }

    @Test(arguments: [
        Case(
            "{Stream: a b, StartingPosition: LATEST}",
            "Stream is the text \"a b\"; it must be a stream's name"
        ),
        Case(
            "{Stream: 'arn:aws:sqs:r:a:q', StartingPosition: LATEST}",
            "Stream is the text \"arn:aws:sqs:r:a:q\"; it must be a stream's name"
        ),
        Case(
            "{Stream: !GetAtt S.Arn, StartingPosition: LATEST}",
            "Stream uses !GetAtt, which is not supported"
        ),
        Case("{StartingPosition: LATEST}", "event Flights needs Stream"),
        Case("{Stream: a}", "event Flights needs StartingPosition"),
        Case(
            "{Stream: a, StartingPosition: TRIM_HORISON}",
            "StartingPosition is the text \"TRIM_HORISON\"; it must be TRIM_HORIZON, LATEST, AT_TIMESTAMP; "
                + "did you mean TRIM_HORIZON?"
        ),
        Case(
            "{Stream: a, StartingPosition: AT_TIMESTAMP}",
            "StartingPosition AT_TIMESTAMP needs StartingPositionTimestamp"
        ),
        Case(
            "{Stream: a, StartingPosition: AT_TIMESTAMP, StartingPositionTimestamp: '2024-01-01'}",
            "StartingPositionTimestamp is the text \"2024-01-01\"; it must be Unix seconds"
        ),
        Case("flights", "event Flights is the text \"flights\"; it must be a map"),
    ])
    func `an event that does not say what to read is refused`(wrong: Case) async throws {
        let yaml = "Runtime: provided\nEvents: {Flights: {Type: Kinesis, Properties: \(wrong.yaml)}}"

        let found = try await problems(of: yaml)

        #expect(found.count == 1)
        #expect(try #require(found.first).contains(": \(wrong.problem)"), "\(found)")
    }

    @Test(arguments: [
        Case("Events: {A: {Type: SQS, Properties: {}}}", "only Kinesis is"),
        Case("Events: {A: {Type: Kinessis, Properties: {}}}", "it must be Kinesis"),
        Case("Events: {A: {Properties: {Stream: s, StartingPosition: LATEST}}}", "event A needs Type"),
        Case("Events: {A: {Type: Kinesis}}", "event A needs Properties"),
        Case(
            """
            Events:
              A: {Type: Kinesis, Properties: {Stream: s, StartingPosition: LATEST}}
              B: {Type: Kinesis, Properties: {Stream: s, StartingPosition: LATEST}}
            """,
            "3:3: event B names stream s, as event A does"
        ),
    ])
    func `events of another type, or of one stream twice, are refused`(wrong: Case) async throws {
        let found = try await problems(of: "\(wrong.yaml)\nRuntime: provided\n")

        #expect(found.count == 1)
        #expect(try #require(found.first).hasSuffix(wrong.problem), "\(found)")
    }

    @Test(arguments: [
        Case(
            "Runtime: nodejs20.x",
            "1:10: Runtime is the text \"nodejs20.x\"; this version supports provided, "
        ),
        Case(
            "Runtime: multilang",
            "1:10: Runtime is the text \"multilang\"; this version supports provided, "
        ),
        Case("Runtime: 3", "1:10: Runtime is 3; it must be text"),
        Case("Timeout: 3", "1:1: the function needs Runtime"),
        Case("Runtime: python3.12", "1:1: runtime python3.12 needs Handler"),
        Case("Runtime: swift-plugin", "1:1: runtime swift-plugin needs Handler"),
        Case(
            "Runtime: python3.12\nHandler: app",
            "2:10: Handler is the text \"app\"; it must name module.function"
        ),
        Case(
            "Runtime: swift-plugin\nHandler: a/b",
            "2:10: Handler is the text \"a/b\"; it must be the library's name"
        ),
        Case("Type: AWS::Lambda::Function\nProperties: {Runtime: provided}", "1:7: Type is the text"),
        Case("Properties: {Runtime: provided}", "1:1: the resource needs Type"),
        Case("- Runtime: provided", "1:1: the function is a list; it must be a map"),
        Case("just text", "1:1: the function is the text \"just text\"; it must be a map"),
        Case("", "the file is empty"),
        Case("# only a comment\n", "the file is empty"),
        Case("a: b: c", "1:5: not valid YAML"),
        Case("Runtime: provided\n---\nRuntime: provided", "2:1: not valid YAML"),
    ])
    func `a file that describes no function is refused`(wrong: Case) async throws {
        let found = try await problems(of: wrong.yaml)

        #expect(found.count == 1)
        #expect(try #require(found.first).hasPrefix(wrong.problem), "\(found)")
    }

    @Test func `every repetition of a key is told with its own place`() async throws {
        let found = try await problems(
            of: """
                Runtime: provided
                Timeout: 3
                Timeout: 4
                Events:
                  A: &a {Type: Kinesis, Type: Kinesis}
                  B: *a
                MemorySize: 128
                Timeout: 5
                MemorySize: 128
                """
        )

        #expect(
            found == [
                "3:1: Timeout stands in line 2 already",
                "5:25: Type stands in line 5 already",
                "8:1: Timeout stands in line 2 already",
                "9:1: MemorySize stands in line 7 already",
            ]
        )
    }

    @Test(arguments: [
        ("eu-west-1:000000000000", "it names region eu-west-1, and this host's is us-east-2"),
        ("us-east-2:123456789012", "it names account 123456789012, and this host's is 000000000000"),
        (
            "eu-west-1:1",
            "it names region eu-west-1, and this host's is us-east-2; account 1, and this host's is 000000000000"
        ),
    ])
    func `the ARN of a stream elsewhere is refused`(place: String, rule: String) async throws {
        let arn = "arn:aws:kinesis:\(place):stream/flights"
        let yaml = """
            Runtime: provided
            Events:
              Flights:
                Type: Kinesis
                Properties:
                  Stream: \(arn)
                  StartingPosition: LATEST
            """

        let found = try await problems(of: yaml, names: ResourceNames(region: "us-east-2"))

        #expect(found == ["6:15: Stream is the text \"\(arn)\"; \(rule)"])
    }

    @Test func `the hint of a runtime names the nearest one`() async throws {
        let found = try await problems(of: "Runtime: swift-plugn\nHandler: A")

        #expect(try #require(found.first).hasSuffix("did you mean swift-plugin?"))
    }
}
