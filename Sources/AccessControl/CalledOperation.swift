/// One of the APIs of a host, by the name that signatures give it.
package enum CalledAPI: String, CaseIterable, Sendable {
    case kinesis, lambda, logs
    /// What AWS has no API for.
    case management = "millrace"

    /// As it stands in the scope of a signature.
    package var service: String { rawValue }
}

/// What a request asks for, told by its head alone.
///
/// Permission and routing both go by this, so that nothing is permitted as one call and carried out as another.
package struct CalledOperation: Hashable, Sendable {
    package let api: CalledAPI
    /// `PutRecord`, or method and path where an API has no names.
    package let name: String
    /// Method and path say that it only reads.
    let isGet: Bool

    private static let kinesisTarget = "Kinesis_20131202."
    private static let logsTarget = "Logs_20140328."

    /// - Parameters:
    ///   - path: Without the query.
    ///   - target: The header `X-Amz-Target`.
    package init(method: String, path: String, target: String?) {
        isGet = method == "GET" || method == "HEAD"
        if let target, target.hasPrefix(Self.kinesisTarget) {
            api = .kinesis
            name = String(target.dropFirst(Self.kinesisTarget.count))
        } else if let target, target.hasPrefix(Self.logsTarget) {
            api = .logs
            name = String(target.dropFirst(Self.logsTarget.count))
        } else {
            // Paths of Lambda begin with the date of an API version; all others, unknown ones too, are the host's own.
            api = Self.beginsWithDate(path) ? .lambda : .management
            name = "\(method) \(path)"
        }
    }

    /// As in `/2015-03-31/functions`.
    private static func beginsWithDate(_ path: String) -> Bool {
        let bytes = Array(path.utf8.prefix(12))
        guard bytes.count == 12 else { return false }
        return zip(bytes, "/0000-00-00/".utf8).allSatisfy { byte, pattern in
            pattern == UInt8(ascii: "0")
                ? (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) : byte == pattern
        }
    }
}
