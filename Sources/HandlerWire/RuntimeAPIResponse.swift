package import ByteCoding

/// Writes the Runtime API's answers.
package enum RuntimeAPIResponse {
    package static let `continue`: StaticString = "HTTP/1.1 100 Continue\r\n\r\n"

    /// An answer that says no more than its status.
    package static func write(
        status: Int,
        message: String? = nil,
        isKeptAlive: Bool,
        to writer: inout ByteWriter
    ) {
        var body = ByteWriter(capacity: 128)
        body.append(#"{"status":"#)
        body.append(jsonString: message ?? Self.reason(status))
        body.append("}")
        begin(status: status, bodyBytes: body.count, isKeptAlive: isKeptAlive, to: &writer)
        writer.append("\r\n")
        body.withUnsafeBytes { writer.append($0) }
    }

    /// The head of an answer to `next`; the event of `bodyBytes` bytes follows.
    ///
    /// - Parameters:
    ///   - deadline: Unix time in milliseconds.
    ///   - clientContext: JSON that the caller of Invoke sent beside the event.
    package static func writeInvocation(
        requestID: String,
        functionARN: String,
        deadline: Int64,
        clientContext: String? = nil,
        bodyBytes: Int,
        isKeptAlive: Bool,
        to writer: inout ByteWriter
    ) {
        begin(status: 200, bodyBytes: bodyBytes, isKeptAlive: isKeptAlive, to: &writer)
        writer.append("Lambda-Runtime-Aws-Request-Id: ")
        writer.append(text: requestID)
        writer.append("\r\nLambda-Runtime-Deadline-Ms: ")
        writer.append(decimal: deadline)
        writer.append("\r\nLambda-Runtime-Invoked-Function-Arn: ")
        writer.append(text: functionARN)
        if let clientContext {
            writer.append("\r\nLambda-Runtime-Client-Context: ")
            // Between JSON's tokens a line break is white space, and inside of its strings there is none.
            writer.append(clientContext.utf8.map { $0 < 0x20 ? UInt8(ascii: " ") : $0 })
        }
        writer.append("\r\n\r\n")
    }

    private static func begin(status: Int, bodyBytes: Int, isKeptAlive: Bool, to writer: inout ByteWriter) {
        writer.append("HTTP/1.1 ")
        writer.append(decimal: status)
        writer.append(" ")
        writer.append(text: reason(status))
        // awslambdaric dies of SIGSEGV when this is missing.
        writer.append("\r\nContent-Type: application/json\r\nContent-Length: ")
        writer.append(decimal: bodyBytes)
        writer.append(isKeptAlive ? "\r\n" : "\r\nConnection: close\r\n")
    }

    private static func reason(_ status: Int) -> String {
        switch status {
        case 200: "OK"
        case 202: "Accepted"
        case 400: "Bad Request"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 413: "Content Too Large"
        case 431: "Request Header Fields Too Large"
        case 501: "Not Implemented"
        default: "Error"
        }
    }
}
