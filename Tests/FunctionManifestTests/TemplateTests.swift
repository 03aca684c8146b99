import FunctionManifest
import StreamCore
import Testing

/// SAM templates as people write them.
struct TemplateTests {
    /// The example of SAM's documentation of a Kinesis event, with the function and the stream around it.
    @Test func `the documentation's Kinesis event becomes a function and a stream`() async throws {
        let template = try await loadTemplate(
            """
            AWSTemplateFormatVersion: '2010-09-09'
            Transform: AWS::Serverless-2016-10-31
            Description: Processes a stream.
            Resources:
              ProcessingFunction:
                Type: AWS::Serverless::Function
                Properties:
                  CodeUri: src/
                  Handler: app.handler
                  Runtime: python3.12
                  Events:
                    KinesisEvent:
                      Type: Kinesis
                      Properties:
                        Stream: !GetAtt MyStream.Arn
                        StartingPosition: TRIM_HORIZON
                        BatchSize: 10
                        Enabled: false
                        FilterCriteria:
                          Filters:
                            - Pattern: '{"data": {"key": ["val1"]}}'
              MyStream:
                Type: AWS::Kinesis::Stream
                Properties:
                  ShardCount: 2
            """
        )

        #expect(template.leftOut.isEmpty)
        #expect(
            template.streams == [
                TemplateStream(name: "MyStream", shardCount: 2, retentionHours: nil, tags: [:])
            ]
        )
        let function = try #require(template.functions.first)
        #expect(function.name == "ProcessingFunction")
        #expect(function.runtime == .python("python3.12"))
        #expect(function.codeDirectory.hasSuffix("/src"))
        var source = EventSource(stream: "MyStream", startingPosition: .trimHorizon, batchSize: 10)
        source.isEnabled = false
        source.filterPatterns = [#"{"data": {"key": ["val1"]}}"#]
        #expect(function.eventSources == [source])
    }

    private static let fleet = """
        Transform: AWS::Serverless-2016-10-31
        Parameters:
          Stage: {Type: String, Default: dev, AllowedValues: [dev, prod]}
          Batch: {Type: Number, Default: 100}
          StreamName: {Type: String, Default: flights}
        Mappings:
          Sizes:
            dev: {Memory: 128}
            prod: {Memory: 1024}
        Conditions:
          IsProd: !Equals [!Ref Stage, prod]
          IsSmall: !Not [!Condition IsProd]
        Globals:
          Function:
            Runtime: python3.12
            Handler: app.handler
            Timeout: 30
            MemorySize: !FindInMap [Sizes, !Ref Stage, Memory]
            Tags: {team: flights}
            Environment:
              Variables:
                STAGE: !Ref Stage
                LEVEL: info
        Resources:
          Stream:
            Type: AWS::Kinesis::Stream
            Properties:
              Name: !Sub "${StreamName}-${Stage}"
              ShardCount: !If [IsProd, 8, 1]
              RetentionPeriodHours: 48
              Tags: [{Key: stage, Value: !Ref Stage}]
          Failed: {Type: "AWS::SQS::Queue", Condition: IsProd}
          Alerts:
            Type: AWS::Serverless::Function
            Properties:
              FunctionName: !Join ["-", [!Ref "AWS::StackName", alerts, !Ref Stage]]
              CodeUri: src
              Timeout: 60
              Tags: {part: alerts}
              Environment:
                Variables:
                  LEVEL: debug
                  STREAM: !Ref Stream
                  ARN: {"Fn::GetAtt": [Stream, Arn]}
                  WHERE: !Sub ["${AWS::Partition}/${AWS::Region}/${AWS::AccountId}/${!Literal}/${Own}", {Own: !Ref Batch}]
                  HOST: !Select [1, !Split ["/", "a/b/c"]]
              Events:
                Flights:
                  Type: Kinesis
                  Properties:
                    Stream: !GetAtt Stream.Arn
                    StartingPosition: LATEST
                    BatchSize: !Ref Batch
                    ParallelizationFactor: !If [IsProd, 4, !Ref "AWS::NoValue"]
          Nightly:
            Type: AWS::Serverless::Function
            Condition: IsSmall
            Properties:
              CodeUri: src
        """

    @Test func `globals, parameters, conditions and functions are worked out`() async throws {
        let names = ResourceNames(region: "eu-west-1")

        let template = try await loadTemplate(Self.fleet, names: names)

        #expect(template.functions.map(\.name) == ["sam-app-alerts-dev", "Nightly"])
        let alerts = try #require(template.functions.first)
        #expect(alerts.timeoutSeconds == 60)
        #expect(alerts.memoryMegabytes == 128)
        #expect(alerts.tags == ["team": "flights", "part": "alerts"])
        #expect(
            alerts.environment == [
                "STAGE": "dev", "LEVEL": "debug", "STREAM": "flights-dev",
                "ARN": "arn:aws:kinesis:eu-west-1:000000000000:stream/flights-dev",
                "WHERE": "aws/eu-west-1/000000000000/${Literal}/100", "HOST": "b",
            ]
        )
        #expect(alerts.eventSources == [EventSource(stream: "flights-dev", startingPosition: .latest)])
        #expect(
            template.streams == [
                TemplateStream(
                    name: "flights-dev",
                    shardCount: 1,
                    retentionHours: 48,
                    tags: ["stage": "dev"]
                )
            ]
        )
    }

    @Test func `parameters that are given go before their defaults`() async throws {
        let options = TemplateOptions(
            parameters: ["Stage": "prod", "Batch": "500"],
            stackName: "ours",
            skipsUnsupported: true
        )

        let template = try await loadTemplate(Self.fleet, options: options)

        #expect(template.functions.map(\.name) == ["ours-alerts-prod"])
        let alerts = try #require(template.functions.first)
        #expect(alerts.memoryMegabytes == 1024)
        #expect(alerts.eventSources.first?.batchSize == 500)
        #expect(alerts.eventSources.first?.parallelizationFactor == 4)
        #expect(template.streams.first?.shardCount == 8)
        #expect(template.leftOut.map(\.message).contains { $0.contains("Failed is of type AWS::SQS::Queue") })
    }

    @Test func `CloudFormation's own resources of Lambda are read like SAM's`() async throws {
        let template = try await loadTemplate(
            """
            Resources:
              Stream: {Type: "AWS::Kinesis::Stream", Properties: {StreamModeDetails: {StreamMode: ON_DEMAND}}}
              Role: {Type: "AWS::IAM::Role", Properties: {AssumeRolePolicyDocument: {}}}
              Function:
                Type: AWS::Lambda::Function
                DependsOn: Role
                Properties:
                  FunctionName: counts
                  Code: src
                  Runtime: provided.al2023
                  Handler: bootstrap
                  Role: !GetAtt Role.Arn
                  MemorySize: "256"
                  Tags: [{Key: team, Value: flights}]
              Mapping:
                Type: AWS::Lambda::EventSourceMapping
                Properties:
                  FunctionName: !GetAtt Function.Arn
                  EventSourceArn: !GetAtt Stream.Arn
                  StartingPosition: TRIM_HORIZON
                  BisectBatchOnFunctionError: "true"
                  FunctionResponseTypes: [ReportBatchItemFailures]
                  DestinationConfig: {OnFailure: {Destination: "arn:aws:sqs:us-east-1:000000000000:failed"}}
                  Tags: [{Key: kind, Value: counting}]
            """
        )

        let function = try #require(template.functions.first)
        #expect(function.name == "counts")
        #expect(function.role == "arn:aws:iam::000000000000:role/Role")
        #expect(function.memoryMegabytes == 256)
        #expect(function.tags == ["team": "flights"])
        #expect(
            function.eventSources == [
                EventSource(
                    stream: "Stream",
                    startingPosition: .trimHorizon,
                    bisectsOnError: true,
                    reportsBatchItemFailures: true,
                    onFailure: .queue(arn: "arn:aws:sqs:us-east-1:000000000000:failed"),
                    tags: ["kind": "counting"]
                )
            ]
        )
        #expect(template.streams.first?.shardCount == nil)
        #expect(
            template.leftOut.map(\.shown) == ["3:3: resource Role of type AWS::IAM::Role has no effect here"]
        )
    }

    @Test func `what sam build writes is read as it is`() async throws {
        let template = try await loadTemplate(
            """
            {
              "AWSTemplateFormatVersion": "2010-09-09",
              "Transform": ["AWS::Serverless-2016-10-31"],
              "Resources": {
                "HelloFunction": {
                  "Type": "AWS::Serverless::Function",
                  "Properties": {
                    "CodeUri": "HelloFunction",
                    "Handler": "app.lambda_handler",
                    "Runtime": "python3.13",
                    "Architectures": ["x86_64"],
                    "Policies": [{"Version": "2012-10-17", "Statement": {"Fn::Transform": 1}}]
                  },
                  "Metadata": {"SamResourceId": "HelloFunction"}
                }
              },
              "Outputs": {"Arn": {"Value": {"Fn::GetAtt": ["HelloFunction", "Arn"]}}}
            }
            """,
            code: ["HelloFunction"]
        )

        #expect(template.functions.map(\.name) == ["HelloFunction"])
        #expect(
            template.leftOut.map(\.message) == [
                "Architectures has no effect here", "Policies has no effect here",
                "Outputs has no effect here",
            ]
        )
    }
}
