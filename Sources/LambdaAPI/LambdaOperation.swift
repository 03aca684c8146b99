import Foundation

/// The operations of Lambda's API that this version carries out, by the names of the service model.
package enum LambdaOperation: Sendable, CaseIterable {
    case addPermission, createAlias, createEventSourceMapping, createFunction, deleteAlias
    case deleteEventSourceMapping, deleteFunction, deleteFunctionConcurrency, getAccountSettings, getAlias
    case getEventSourceMapping, getFunction, getFunctionCodeSigningConfig, getFunctionConcurrency
    case getFunctionConfiguration, getFunctionEventInvokeConfig, getFunctionRecursionConfig
    case getFunctionUrlConfig, getPolicy, getProvisionedConcurrencyConfig, getRuntimeManagementConfig, invoke
    case listAliases, listEventSourceMappings, listFunctionEventInvokeConfigs, listFunctionUrlConfigs
    case listFunctions, listProvisionedConcurrencyConfigs, listTags, listVersionsByFunction, publishVersion
    case putFunctionConcurrency, removePermission, tagResource, untagResource, updateAlias
    case updateEventSourceMapping, updateFunctionCode, updateFunctionConfiguration

    /// The method and the path, whose `*` stand for what the request names.
    var route: String {
        switch self {
        case .addPermission: "POST /2015-03-31/functions/*/policy"
        case .createAlias: "POST /2015-03-31/functions/*/aliases"
        case .createEventSourceMapping: "POST /2015-03-31/event-source-mappings"
        case .createFunction: "POST /2015-03-31/functions"
        case .deleteAlias: "DELETE /2015-03-31/functions/*/aliases/*"
        case .deleteEventSourceMapping: "DELETE /2015-03-31/event-source-mappings/*"
        case .deleteFunction: "DELETE /2015-03-31/functions/*"
        case .deleteFunctionConcurrency: "DELETE /2017-10-31/functions/*/concurrency"
        case .getAccountSettings: "GET /2016-08-19/account-settings"
        case .getAlias: "GET /2015-03-31/functions/*/aliases/*"
        case .getEventSourceMapping: "GET /2015-03-31/event-source-mappings/*"
        case .getFunction: "GET /2015-03-31/functions/*"
        case .getFunctionCodeSigningConfig: "GET /2020-06-30/functions/*/code-signing-config"
        case .getFunctionConcurrency: "GET /2019-09-30/functions/*/concurrency"
        case .getFunctionConfiguration: "GET /2015-03-31/functions/*/configuration"
        case .getFunctionEventInvokeConfig: "GET /2019-09-25/functions/*/event-invoke-config"
        case .getFunctionRecursionConfig: "GET /2024-08-31/functions/*/recursion-config"
        case .getFunctionUrlConfig: "GET /2021-10-31/functions/*/url"
        case .getPolicy: "GET /2015-03-31/functions/*/policy"
        case .getProvisionedConcurrencyConfig: "GET /2019-09-30/functions/*/provisioned-concurrency"
        case .getRuntimeManagementConfig: "GET /2021-07-20/functions/*/runtime-management-config"
        case .invoke: "POST /2015-03-31/functions/*/invocations"
        case .listAliases: "GET /2015-03-31/functions/*/aliases"
        case .listEventSourceMappings: "GET /2015-03-31/event-source-mappings"
        case .listFunctionEventInvokeConfigs: "GET /2019-09-25/functions/*/event-invoke-config/list"
        case .listFunctionUrlConfigs: "GET /2021-10-31/functions/*/urls"
        case .listFunctions: "GET /2015-03-31/functions"
        // The same as of one, but for its query: List=ALL.
        case .listProvisionedConcurrencyConfigs: "GET /2019-09-30/functions/*/provisioned-concurrency"
        case .listTags: "GET /2017-03-31/tags/*"
        case .listVersionsByFunction: "GET /2015-03-31/functions/*/versions"
        case .publishVersion: "POST /2015-03-31/functions/*/versions"
        case .putFunctionConcurrency: "PUT /2017-10-31/functions/*/concurrency"
        case .removePermission: "DELETE /2015-03-31/functions/*/policy/*"
        case .tagResource: "POST /2017-03-31/tags/*"
        case .untagResource: "DELETE /2017-03-31/tags/*"
        case .updateAlias: "PUT /2015-03-31/functions/*/aliases/*"
        case .updateEventSourceMapping: "PUT /2015-03-31/event-source-mappings/*"
        case .updateFunctionCode: "PUT /2015-03-31/functions/*/code"
        case .updateFunctionConfiguration: "PUT /2015-03-31/functions/*/configuration"
        }
    }

    /// Base64 of the largest archive, and the settings around it: Lambda's own limit.
    static let codeRequestBytes = 70_167_211
    /// The payload of an invocation that is waited for.
    static let payloadBytes = 6 * 1024 * 1024
    private static let otherRequestBytes = 1024 * 1024

    /// The largest body that is read.
    package var maximumBodyBytes: Int {
        switch self {
        case .createFunction, .updateFunctionCode: Self.codeRequestBytes
        case .invoke: Self.payloadBytes
        default: Self.otherRequestBytes
        }
    }

    /// What the service answers to a larger one.
    package var bodyTooLarge: LambdaError {
        let name = "\(self)"
        let shown = self == .invoke ? "InvokeFunction" : name.prefix(1).uppercased() + name.dropFirst()
        return LambdaError(
            self == .invoke ? .requestTooLarge : .requestEntityTooLarge,
            "Request must be smaller than \(maximumBodyBytes) bytes for the \(shown) operation"
        )
    }
}

/// An operation with what the path names, percent-decoded.
package struct LambdaCall: Sendable {
    package let operation: LambdaOperation
    let names: [String]
    let query: LambdaQuery

    /// - Returns: `nil` when there is no such operation.
    package init?(method: String, path: String, query: String) {
        let words = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        for operation in LambdaOperation.allCases {
            guard let names = Self.match(operation.route, method: method, words: words) else { continue }
            let query = LambdaQuery(query)
            let isList = operation == .getProvisionedConcurrencyConfig && query["List"] != nil
            self.operation = isList ? .listProvisionedConcurrencyConfigs : operation
            self.names = names
            self.query = query
            return
        }
        return nil
    }

    private static func match(_ route: String, method: String, words: ArraySlice<Substring>) -> [String]? {
        let pattern = route.split(separator: "/")
        guard pattern.count == words.count + 1, pattern[0] == "\(method) " else { return nil }
        var names: [String] = []
        for (wanted, word) in zip(pattern.dropFirst(), words) {
            guard wanted == "*" else {
                guard wanted == word else { return nil }
                continue
            }
            guard !word.isEmpty, let name = String(word).removingPercentEncoding else { return nil }
            names.append(name)
        }
        return names
    }
}

/// The parameters after a path's question mark.
struct LambdaQuery: Sendable {
    private let parameters: [(name: String, value: String)]

    init(_ text: String) {
        parameters = text.split(separator: "&").compactMap { parameter in
            let sides = parameter.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = Self.decoded(sides[0]), let value = Self.decoded(sides.count > 1 ? sides[1] : "")
            else { return nil }
            return (name, value)
        }
    }

    private static func decoded(_ text: Substring) -> String? {
        text.replacing("+", with: " ").removingPercentEncoding
    }

    subscript(_ name: String) -> String? { parameters.first { $0.name == name }?.value }

    func all(_ name: String) -> [String] { parameters.filter { $0.name == name }.map(\.value) }

    /// A parameter that is a number.
    func number(_ name: String) throws(LambdaError) -> Int? {
        guard let text = self[name] else { return nil }
        guard let number = Int(text) else {
            throw LambdaError(.serialization, "\(name) has the wrong type: \(text) is no number")
        }
        return number
    }
}
