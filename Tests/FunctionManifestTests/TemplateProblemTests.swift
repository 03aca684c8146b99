import FunctionManifest
import StreamCore
import Testing

/// What a template may not say, and how that is told.
struct TemplateProblemTests {
    private static let mixed = """
        Transform: AWS::Serverless-2016-10-31
        Resources:
          Function:
            Type: AWS::Serverless::Function
            Properties:
              CodeUri: src
              Handler: app.handler
              Runtime: python3.12
              Layers: [!Ref Layer]
              Events:
                Web: {Type: Api, Properties: {Path: /, Method: get}}
                Flights: {Type: Kinesis, Properties: {Stream: flights, StartingPosition: LATEST}}
          Layer:
            Type: AWS::Serverless::LayerVersion
            Properties: {ContentUri: layer}
          Other:
            Type: AWS::Lambda::EventSourceMapping
            Properties: {FunctionName: !Ref Function, EventSourceArn: "arn:aws:sqs:us-east-1:0:q"}
        """

    @Test func `all that is not supported is told at once, and nothing is registered`() async throws {
        let found = try await templateProblems(of: Self.mixed)

        #expect(
            found == [
                "9:7: Layers is not supported by this version",
                "11:9: event Web is of type Api, which is not supported by this version, only Kinesis is",
                "13:3: resource Layer is of type AWS::Serverless::LayerVersion, which is not supported by this version",
                "16:3: resource Other reads no Kinesis stream, which is not supported by this version",
            ]
        )
    }

    @Test func `it is left out instead when that is asked for, and named all the same`() async throws {
        let template = try await loadTemplate(Self.mixed, options: TemplateOptions(skipsUnsupported: true))

        #expect(template.functions.first?.eventSources.map(\.stream) == ["flights"])
        #expect(template.leftOut.map { $0.place?.line } == [9, 11, 13, 16])
    }

    @Test(arguments: [
        ("MemorySize: lots", "MemorySize is the text \"lots\"; it must be a whole number, 128–10,240"),
        ("MemorySize: !Ref Memry", "the template has no parameter or resource Memry; did you mean Memory?"),
        ("MemorySize: !Ref Table", "Table is of type AWS::RDS::DBInstance, which names nothing here"),
        ("Description: !GetAtt Nothing.Arn", "the template has no resource Nothing"),
        ("Description: !GetAtt Stream.Kind", "Kind of a AWS::Kinesis::Stream is not known here"),
        ("Description: !Sub '${Stream.Arn'", "Fn::Sub has a ${ without its }"),
        (
            "Description: !Sub '${Strem}'",
            "the template has no parameter or resource Strem; did you mean Stream?"
        ),
        ("Description: !ImportValue a", "Fn::ImportValue is not supported by this version"),
        ("Description: !If [IsNone, a, b]", "the template has no condition IsNone"),
        ("Description: !If [IsLoop, a, b]", "the condition refers to itself, or is nested too deeply"),
        ("Description: !FindInMap [A, b, c]", "Mappings has no A.b.c"),
        ("Description: !Select [3, [a]]", "Fn::Select has no element 3"),
        ("Description: !Join [a]", "Fn::Join must have a delimiter and a list"),
        ("InlineCode: 'x = 1'", "InlineCode is not supported by this version"),
        ("Tiemout: 3", "Tiemout is not a key of the function; did you mean Timeout?"),
    ])
    func `what cannot be worked out is told once, with its place`(property: String, problem: String)
        async throws
    {
        let found = try await templateProblems(
            of: """
                Parameters: {Memory: {Type: Number, Default: 128}}
                Conditions: {IsLoop: !Not [!Condition IsLoop]}
                Resources:
                  Stream: {Type: "AWS::Kinesis::Stream"}
                  Function:
                    Type: AWS::Serverless::Function
                    Properties:
                      CodeUri: src
                      Runtime: provided
                      \(property)
                  Table: {Type: "AWS::RDS::DBInstance"}
                """,
            options: TemplateOptions(skipsUnsupported: true)
        )

        #expect(found.count == 1)
        #expect(try #require(found.first).hasSuffix(problem), "\(found)")
    }

    @Test(
        arguments: [
            ("{Type: String}", [:], "1:14: parameter P has no default; give it with --parameter P=VALUE"),
            ("{Type: Number, Default: a}", [:], "1:41: parameter P is \"a\"; it must be a number"),
            ("{Type: Number, MinValue: 3}", ["P": "2"], "1:14: parameter P is \"2\"; it must be at least 3"),
            (
                "{Type: String, AllowedValues: [a, b]}", ["P": "c"],
                "1:14: parameter P is \"c\"; it must be one of a, b"
            ),
            (
                "{Type: String, AllowedPattern: '[a-z]+'}", ["P": "9"],
                "1:14: parameter P is \"9\"; it must match [a-z]+"
            ),
            (
                "{Type: 'AWS::SSM::Parameter::Value<String>', Default: /a}", [:],
                "1:14: parameter P is kept in AWS Systems Manager; give it with --parameter P=VALUE"
            ),
            (
                "{Type: String, Default: a}", ["Q": "1"],
                "the template has no parameter Q; did you mean P?"
            ),
        ] as [(String, [String: String], String)]
    )
    func `a parameter has a value that its declaration allows`(
        declaration: String,
        given: [String: String],
        problem: String
    ) async throws {
        let found = try await templateProblems(
            of: """
                Parameters: {P: \(declaration)}
                Resources:
                  F: {Type: "AWS::Serverless::Function", Properties: {CodeUri: src, Runtime: provided}}
                """,
            options: TemplateOptions(parameters: given)
        )

        #expect(found == [problem])
    }

    @Test(arguments: [
        ("Resources: {}", "the template has no function"),
        ("Resourses: {}", "1:1: Resourses is not a key of the template; did you mean Resources?"),
        ("Transform: Other\nResources: {}", "1:12: transform the text \"Other\" is not known; it must be"),
        ("- a", "1:1: the template is a list; it must be a map"),
        (
            "Resources: {A: {Type: 'AWS::Kinesis::Stream', Properties: {Shards: 1}}}",
            "1:60: Shards is not a key of"
        ),
        ("Resources: {A: {Properties: {}}}", "1:16: resource A needs Type"),
    ])
    func `a file that is no template is refused`(yaml: String, problem: String) async throws {
        let found = try await templateProblems(of: yaml)

        #expect(try #require(found.first).hasPrefix(problem), "\(found)")
    }

    @Test func `two functions of one name are refused`() async throws {
        let function =
            "{Type: 'AWS::Serverless::Function', Properties: {FunctionName: a, CodeUri: src, Runtime: provided}}"

        let found = try await templateProblems(of: "Resources: {A: \(function), B: \(function)}")

        #expect(found == ["two resources are called function a"])
    }
}
