import Foundation

/// Where a service of AWS answers, and which variable said so.
package struct AWSEndpoint: Hashable, Sendable, CustomStringConvertible {
    /// Without a slash at its end.
    package let url: String
    /// `nil` for AWS's own.
    package let variable: String?

    /// What `AWS_ENDPOINT_URL_SERVICE` names, else `AWS_ENDPOINT_URL`, else AWS's own of the region.
    ///
    /// - Parameter service: As it stands in host names: `sqs`, `sns`, `s3`.
    /// - Throws: `AWSEndpointUnknown`.
    package init(
        of service: String,
        region: String,
        partition: String = "aws",
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws {
        for variable in ["AWS_ENDPOINT_URL_\(service.uppercased())", "AWS_ENDPOINT_URL"] {
            guard let url = environment[variable], !url.isEmpty else { continue }
            (self.url, self.variable) = (try Self.checked(url, named: variable), variable)
            return
        }
        let domains = ["aws": "amazonaws.com", "aws-us-gov": "amazonaws.com", "aws-cn": "amazonaws.com.cn"]
        guard let domain = domains[partition] else {
            throw AWSEndpointUnknown(
                reason: "no endpoint is known for partition \(partition); "
                    + "set AWS_ENDPOINT_URL_\(service.uppercased())"
            )
        }
        guard !region.isEmpty, region.utf8.allSatisfy(Self.isRegionByte) else {
            throw AWSEndpointUnknown(reason: "\"\(region)\" is not the name of a region")
        }
        url = "https://\(service).\(region).\(domain)"
        variable = nil
    }

    /// At this URL, whatever the environment says.
    package init(url: String) throws {
        (self.url, variable) = (try Self.checked(url, named: "the endpoint"), nil)
    }

    private static func checked(_ url: String, named name: String) throws -> String {
        var url = url
        guard url.hasPrefix("http://") || url.hasPrefix("https://") else {
            throw AWSEndpointUnknown(reason: "\(name) is no http or https URL: \(url)")
        }
        while url.hasSuffix("/") { url.removeLast() }
        return url
    }

    private static func isRegionByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    package var description: String { variable.map { "\(url) (\($0))" } ?? url }
}

/// What the environment or an ARN says leads to no endpoint.
package struct AWSEndpointUnknown: Error, Hashable, Sendable, CustomStringConvertible {
    package let reason: String

    package init(reason: String) { self.reason = reason }

    package var description: String { reason }
}
