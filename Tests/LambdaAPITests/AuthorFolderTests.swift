import LambdaAPI
import SQLiteStore
import StreamCore
import Testing

/// Functions that were registered from a folder of their author's, instead of created by the API.
@Suite(.timeLimit(.minutes(5))) struct AuthorFolderTests {
    private static let definition = FunctionDefinition(
        name: "f",
        runtime: .provided("provided.al2023"),
        handler: "unused",
        codeDirectory: "/home/author/f",
        tags: ["team": "a"]
    )

    @Test func `a folder, whose files may change, is not published as a version`() async throws {
        try await LambdaServer.with { server in
            try await server.registry.register([Self.definition])

            let answer = await server.call("POST", "/2015-03-31/functions/f/versions")

            #expect(answer.status == 400)
            #expect(String(decoding: answer.body, as: UTF8.self).contains("/home/author/f"))
            #expect(try await server.registry.function(named: "f")?.versions.isEmpty == true)
        }
    }

    @Test func `a tag of a definition is removed in the definition, and others by the API`() async throws {
        try await LambdaServer.with { server in
            try await server.registry.register([Self.definition])
            let tags = "/2017-03-31/tags/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Af"
            let tagged = await server.call("POST", tags, body: #"{"Tags":{"tier":"1"}}"#)
            #expect(tagged.status == 204)

            let refused = await server.call("DELETE", tags, query: "tagKeys=tier&tagKeys=team")
            let removed = await server.call("DELETE", tags, query: "tagKeys=tier")

            #expect(refused.status == 400)
            #expect(
                String(decoding: refused.body, as: UTF8.self).contains("Tag team comes from the definition")
            )
            #expect(removed.status == 204)
            #expect(try await server.registry.function(named: "f")?.tags == ["team": "a"])
        }
    }
}

extension LambdaServer {
    fileprivate func call(_ method: String, _ path: String, query: String = "", body: String = "") async
        -> LambdaAnswer
    {
        await service.handle(
            LambdaRequest(
                method: method,
                path: path,
                query: query,
                body: Array(body.utf8),
                requestID: "r"
            )
        )
    }
}
