import StreamCore

/// Which function a request means: `name`, `name:qualifier`, `account:function:name` or an ARN, each with or without
/// a qualifier.
struct FunctionReference: Hashable {
    let name: FunctionName
    let qualifier: FunctionQualifier?

    private static let pattern =
        #"(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?"#
        + #"([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?"#

    /// - Parameters:
    ///   - explicit: The request's own `Qualifier`, which must not contradict the name's.
    ///   - names: Of this host; a function of another account or region is not found here.
    init(
        _ text: String,
        qualifier explicit: String? = nil,
        names: ResourceNames,
        at path: String = "functionName"
    ) throws(LambdaError) {
        var checks = RequestChecks()
        let parts = Self.parts(of: text)
        if parts == nil {
            checks.refuse(text, at: path, "Member must satisfy regular expression pattern: \(Self.pattern)")
        }
        checks.text(parts?.name.text, at: path, length: 1...64)
        checks.pattern(explicit, at: "qualifier", #"\$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+"#) {
            FunctionQualifier($0) != nil
        }
        try checks.finish()
        guard let parts else { throw .noResource }

        let explicit = explicit.flatMap { FunctionQualifier($0) }
        if let derived = parts.qualifier, let explicit, derived != explicit {
            throw .invalid(
                "The derived qualifier from the function name does not match the specified qualifier."
            )
        }
        name = parts.name
        qualifier = parts.qualifier ?? explicit
        guard parts.region ?? names.region == names.region, parts.account ?? names.account == names.account
        else {
            throw .notFound(function: text)
        }
    }

    private struct Parts {
        var region: String?
        var account: String?
        let name: FunctionName
        let qualifier: FunctionQualifier?
    }

    private static func parts(of text: String) -> Parts? {
        var fields = text.split(separator: ":", omittingEmptySubsequences: false)[...]
        var region: String?
        var account: String?
        if fields.first == "arn" {
            guard fields.count >= 7, fields[1].hasPrefix("aws"), fields[2] == "lambda",
                fields[5] == "function"
            else { return nil }
            (region, account) = (String(fields[3]), String(fields[4]))
            fields = fields.dropFirst(6)
        } else {
            if let first = fields.first, fields.count > 2, isRegion(first) {
                region = String(first)
                fields = fields.dropFirst()
            }
            if let first = fields.first, fields.count > 1, isAccount(first) {
                account = String(first)
                fields = fields.dropFirst()
            }
            if fields.first == "function", fields.count > 1 { fields = fields.dropFirst() }
        }
        guard (1...2).contains(fields.count), let first = fields.first,
            let name = FunctionName(first) ?? overlong(first)
        else { return nil }
        guard fields.count == 2, let last = fields.last else {
            return Parts(region: region, account: account, name: name, qualifier: nil)
        }
        guard let qualifier = FunctionQualifier(last) else { return nil }
        return Parts(region: region, account: account, name: name, qualifier: qualifier)
    }

    /// A name whose only fault is its length; that has a message of its own.
    private static func overlong(_ text: Substring) -> FunctionName? {
        guard text.utf8.count > 64, FunctionName(text.prefix(64)) != nil,
            text.utf8.allSatisfy({ FunctionName(String(UnicodeScalar($0))) != nil })
        else { return nil }
        return FunctionName(unchecked: String(text))
    }

    private static func isAccount(_ text: Substring) -> Bool {
        text.utf8.count == 12 && text.utf8.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
    }

    /// Such as `us-east-1`, of which no function's qualifier follows.
    private static func isRegion(_ text: Substring) -> Bool {
        let fields = text.split(separator: "-", omittingEmptySubsequences: false)
        guard fields.count >= 3, fields[0].utf8.count == 2, let last = fields.last else { return false }
        return last.utf8.count == 1 && last.utf8.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
    }
}

extension FunctionReference {
    init(_ name: FunctionName) {
        self.name = name
        qualifier = nil
    }
}
