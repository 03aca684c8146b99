import Foundation

/// An error that an AWS API answered.
package struct AWSError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The name without its namespace: `ResourceNotFoundException`.
    package let type: String
    package let message: String
    package let status: Int

    package init(type: String, message: String, status: Int) {
        self.type = type
        self.message = message
        self.status = status
    }

    /// Reads the error of a JSON API: the type from `__type` or a header, the message under any of its spellings.
    package init(_ response: ClientResponse) {
        let fields = (try? JSONSerialization.jsonObject(with: Data(response.body))) as? [String: Any] ?? [:]
        let named = fields["__type"] as? String ?? fields["Type"] as? String ?? fields["code"] as? String
        let type = response.headers["x-amzn-errortype"] ?? named ?? "HTTP \(response.status)"
        let message = fields["message"] as? String ?? fields["Message"] as? String
        self.init(
            // `com.amazonaws.kinesis#Name` in bodies, `Name:http://…` in headers.
            type: String(type.split(separator: "#").last?.prefix { $0 != ":" } ?? "Unknown"),
            message: message ?? String(decoding: response.body.prefix(1_024), as: UTF8.self),
            status: response.status
        )
    }

    package var description: String { message.isEmpty ? type : "\(type): \(message)" }
}
