import SQLiteStore
import StreamCore

extension LambdaService {
    private struct PublishRequest: Decodable {
        let codeSha256: String?
        let description: String?
        let revisionId: String?
        let publishTo: JSONValue?
    }

    func publishVersion(_ call: LambdaCall, _ body: [UInt8]) async throws -> LambdaAnswer {
        let name = try unqualified(call)
        let request = try LambdaCodec.decode(PublishRequest.self, from: body)
        if let target = request.publishTo, !target.isNothing { throw LambdaError.unsupported("PublishTo") }
        var checks = RequestChecks()
        checks.text(request.description, at: "description", length: 0...256)
        try checks.finish()
        let current = try await function(FunctionReference(name)).definition
        guard current.code != nil else {
            // Its files may change at any time, and a version with them.
            throw LambdaError.invalid(
                "Function \(name) runs from the folder \(current.codeDirectory), which a version of it would not keep "
                    + "as it is: upload its code with UpdateFunctionCode (aws: --zip-file fileb://function.zip), "
                    + "then publish."
            )
        }
        let version = try await registry.publishVersion(
            of: name,
            description: request.description,
            ifRevision: request.revisionId,
            ifCodeSHA256: request.codeSha256.flatMap { $0.isEmpty ? nil : $0 }
        )
        return try LambdaAnswer(
            status: 201,
            configuration(version, of: await function(FunctionReference(name)))
        )
    }

    func listVersions(_ call: LambdaCall) async throws -> LambdaAnswer {
        struct Answer: Encodable {
            let versions: [FunctionConfiguration]
            let nextMarker: String?
        }
        let function = try await function(FunctionReference(unqualified(call)))
        let page = try Page(
            of: everyVersion(of: function),
            by: \.listingKey,
            query: call.query,
            largest: 50
        )
        return try LambdaAnswer(Answer(versions: page.items, nextMarker: page.nextMarker))
    }
}
