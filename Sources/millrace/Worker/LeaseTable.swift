import ArgumentParser
import AWSClient
import DynamoDBStore
import StreamCore

/// `dynamodb://REGION/APPLICATION`.
struct LeaseTable: ExpressibleByArgument, Hashable, CustomStringConvertible {
    let region: String
    /// KCL's word for what shares leases; the table's name, to which KCL adds up to 18 characters for its others.
    let application: String

    init?(argument: String) {
        let scheme = "dynamodb://"
        guard argument.hasPrefix(scheme) else { return nil }
        let parts = argument.dropFirst(scheme.count).split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let region = parts.first, let application = parts.last,
            !region.isEmpty, (3...237).contains(application.utf8.count),
            application.utf8.allSatisfy(Self.isTableNameByte)
        else { return nil }
        self.region = String(region)
        self.application = String(application)
    }

    private static func isTableNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
            true
        default: false
        }
    }

    var description: String { "dynamodb://\(region)/\(application)" }

    /// With the credentials that AWS's own tools would find.
    ///
    /// - Parameter caFile: Certificates to trust; `nil` for those of the system.
    func client(caFile: String?, clock: any Clock<Duration>) throws -> DynamoDBClient {
        let service = AWSService(
            "dynamodb",
            region: region,
            endpoint: try AWSEndpoint(
                of: "dynamodb",
                region: region,
                partition: ResourceNames(region: region).partition
            ),
            credentials: AWSCredentialChain(region: region),
            http: HTTPClient(limits: DynamoDBClient.callLimits, caFile: caFile)
        )
        return DynamoDBClient(service, clock: clock)
    }
}
