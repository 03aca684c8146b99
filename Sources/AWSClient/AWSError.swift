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
    ///
    /// Of an XML API the first `Code` and `Message`.
    package init(_ response: ClientResponse) {
        if let error = Self.inXML(response) {
            self = error
            return
        }
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

    /// - Returns: `nil` for anything but XML with a `Code`.
    private static func inXML(_ response: ClientResponse) -> AWSError? {
        guard response.body.first == UInt8(ascii: "<") else { return nil }
        let body = String(decoding: response.body.prefix(64 * 1024), as: UTF8.self)
        guard let type = xmlText(of: "Code", in: body) else { return nil }
        return AWSError(type: type, message: xmlText(of: "Message", in: body) ?? "", status: response.status)
    }

    package var description: String { message.isEmpty ? type : "\(type): \(message)" }
}

/// The text of the first element of this name that has no attributes and no elements in it.
package func xmlText(of element: String, in document: String) -> String? {
    guard let start = document.range(of: "<\(element)>"),
        let end = document.range(of: "</\(element)>", range: start.upperBound..<document.endIndex)
    else { return nil }
    return [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&#39;", "'"), ("&amp;", "&")]
        .reduce(String(document[start.upperBound..<end.lowerBound])) { text, entity in
            text.replacingOccurrences(of: entity.0, with: entity.1)
        }
}
