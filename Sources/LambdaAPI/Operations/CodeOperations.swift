import ByteCoding
import SQLiteStore
import StreamCore

/// Where a request has a function's code from.
struct CodeRequest: Decodable {
    var zipFile: String?
    var s3Bucket: String?
    var s3Key: String?
    var s3ObjectVersion: String?
    var imageUri: String?
    var sourceKMSKeyArn: String?

    /// The archive that was uploaded.
    func archive() throws(LambdaError) -> [UInt8] {
        let others = [
            ("S3Bucket", s3Bucket), ("S3Key", s3Key), ("S3ObjectVersion", s3ObjectVersion),
            ("ImageUri", imageUri),
            ("SourceKMSKeyArn", sourceKMSKeyArn),
        ]
        for (option, value) in others where value ?? "" != "" {
            throw .unsupported(
                option,
                "upload the code itself in ZipFile (aws: --zip-file fileb://function.zip)"
            )
        }
        guard let zipFile else { throw .invalid("Please provide the function's code in ZipFile.") }
        guard let bytes = Base64.decode(zipFile) else {
            throw LambdaError(.serialization, "ZipFile is not base64")
        }
        guard bytes.count <= FunctionCodeStore.maximumArchiveBytes else {
            throw LambdaError(
                .requestEntityTooLarge,
                "Zipped size must be smaller than \(FunctionCodeStore.maximumArchiveBytes) bytes"
            )
        }
        return bytes
    }
}

extension LambdaService {
    private struct UpdateRequest: Decodable {
        let publish: Bool?
        let dryRun: Bool?
        let revisionId: String?
        let architectures: [String]?
        let publishTo: JSONValue?
    }

    /// The options of code are those of a function, and named at the top here.
    private typealias UpdateViews = TwoViews<UpdateRequest, TwoViews<FunctionOptions, CodeRequest>>

    func updateCode(_ call: LambdaCall, _ body: [UInt8]) async throws -> LambdaAnswer {
        let name = try unqualified(call)
        let views = try LambdaCodec.decode(UpdateViews.self, from: body)
        let request = views.first
        try views.second.first.check(for: name)
        let archive = try views.second.second.archive()
        guard request.dryRun != true else { return try await dryRun(archive, of: name, request.revisionId) }
        // An unknown function is not worth unpacking for.
        _ = try await function(FunctionReference(name))
        let updated = try await code.withCode(archive, of: name) { stored in
            try await registry.update(name, ifRevision: request.revisionId, publish: request.publish ?? false)
            {
                $0.with(stored)
            }
        }
        if request.publish == true, let version = updated.versions.last {
            return try LambdaAnswer(configuration(version, of: updated))
        }
        return try LambdaAnswer(latest(updated))
    }

    /// What an update would answer, and every reason to refuse it.
    private func dryRun(_ archive: [UInt8], of name: FunctionName, _ revision: String?) async throws
        -> LambdaAnswer
    {
        let function = try await function(FunctionReference(name))
        guard revision == nil || revision == function.revisionID else { throw LambdaError.revisionMismatch }
        guard function.candidate == nil else { throw LambdaError.updateInProgress(names.function(name)) }
        let stored = StoredCode(
            directory: function.definition.codeDirectory,
            code: try await code.check(archive)
        )
        let wouldBe = RegisteredFunction(
            definition: function.definition.with(stored),
            lastModified: function.lastModified,
            revisionID: function.revisionID,
            state: function.state,
            lastUpdate: function.lastUpdate,
            mappings: []
        )
        return try LambdaAnswer(latest(wouldBe))
    }
}
