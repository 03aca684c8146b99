import AWSClient
import StreamCore

/// An S3 bucket: one object for each failure, with the function's event in it.
struct BucketDestination: FailureDestination {
    let target: FailureTarget
    let bucket: String
    let s3: AWSService

    func deliver(_ failure: BatchFailure) async throws {
        let request = ClientRequest(
            method: "PUT",
            url: url(of: FailureObjectKey.key(of: failure)),
            headers: [("Content-Type", "application/json")],
            body: FailureRecord.withPayload(of: failure)
        )
        let response = try await s3.answer(to: request)
        if (200..<300).contains(response.status) { return }
        if let region = otherRegion(response) {
            throw DestinationRefusal(
                target: target,
                reason: "the bucket is in region \(region), the host works in \(s3.region); "
                    + "name a bucket of \(s3.region), or start the host with --region \(region)"
            )
        }
        throw s3.failure(AWSError(response))
    }

    /// The bucket is a part of AWS's host names and of the path elsewhere, or where its dots would not fit AWS's certificate.
    func url(of key: String) -> String {
        let origin = s3.endpoint.url
        guard s3.endpoint.variable == nil, !bucket.contains(".") else { return "\(origin)/\(bucket)/\(key)" }
        return "https://\(bucket).\(origin.dropFirst("https://".count))/\(key)"
    }

    /// The region that S3 sends to instead; `nil` when it answered something else.
    private func otherRegion(_ response: ClientResponse) -> String? {
        let isMalformed = AWSError(response).type == "AuthorizationHeaderMalformed"
        guard (300..<400).contains(response.status) || isMalformed else { return nil }
        let named = response.headers["x-amz-bucket-region"]
        return named ?? xmlText(
            of: "Region",
            in: String(decoding: response.body.prefix(4_096), as: UTF8.self)
        )
            ?? "other than the host's"
    }
}
