import Foundation
import StreamCore

/// A function, or one version of it, as the API shows it.
struct FunctionConfiguration: Encodable {
    struct Environment: Encodable { let variables: [String: String] }
    struct TracingConfig: Encodable { let mode = "PassThrough" }
    struct EphemeralStorage: Encodable { let size = FunctionOptions.ephemeralMegabytes }
    struct SnapStart: Encodable {
        let applyOn = "None"
        let optimizationStatus = "Off"
    }
    struct LoggingConfig: Encodable {
        let logFormat = "Text"
        let logGroup: String
    }

    let functionName: String
    let functionArn: String
    let version: String
    let runtime: String
    let handler: String
    let role: String?
    let description: String
    let timeout: Int
    let memorySize: Int
    /// 0 for code that lies in a folder of its author's.
    let codeSize: Int
    let codeSha256: String?
    let environment: Environment?
    let lastModified: String
    let revisionId: String
    let state: String?
    let stateReason: String?
    let stateReasonCode: String?
    let lastUpdateStatus: String?
    let lastUpdateStatusReason: String?
    let lastUpdateStatusReasonCode: String?
    let packageType = "Zip"
    let architectures = [FunctionOptions.architecture]
    let tracingConfig = TracingConfig()
    let ephemeralStorage = EphemeralStorage()
    let snapStart = SnapStart()
    let loggingConfig: LoggingConfig

    /// What runs now, or is about to: while an update is in progress Lambda shows the new settings.
    init(latest function: RegisteredFunction, arn: String) {
        self.init(
            function.candidate ?? function.definition,
            arn: arn,
            version: .latest,
            modified: function.lastModified,
            revision: function.revisionID,
            state: StateWords(function.state),
            update: function.state == .pending ? nil : StateWords(function.lastUpdate)
        )
    }

    init(_ version: FunctionVersion, arn: String) {
        self.init(
            version.definition,
            arn: arn,
            version: FunctionQualifier(unchecked: String(version.number)),
            modified: version.published,
            revision: version.revisionID,
            state: StateWords(.active),
            update: StateWords(.successful)
        )
    }

    private init(
        _ definition: FunctionDefinition,
        arn: String,
        version: FunctionQualifier,
        modified: Timestamp,
        revision: String,
        state: StateWords,
        update: StateWords?
    ) {
        functionName = definition.name.text
        functionArn = arn
        self.version = version.text
        runtime = definition.runtime.name
        handler = definition.handler
        role = definition.role
        description = definition.description
        timeout = definition.timeoutSeconds
        memorySize = definition.memoryMegabytes
        codeSize = definition.code?.bytes ?? 0
        codeSha256 = definition.code?.sha256
        environment =
            definition.environment.isEmpty ? nil : Environment(variables: definition.environment)
        lastModified = modified.lambdaText
        revisionId = revision
        self.state = state.word
        stateReason = state.reason
        stateReasonCode = state.code
        lastUpdateStatus = update?.word
        lastUpdateStatusReason = update?.reason
        lastUpdateStatusReasonCode = update?.code
        loggingConfig = LoggingConfig(logGroup: FunctionOptions.logGroup(of: definition.name))
    }
}

/// A state with its reason, in the words of the service model.
private struct StateWords {
    let word: String
    let reason: String?
    let code: String?

    init(_ state: FunctionState) {
        switch state {
        case .pending: (word, reason, code) = ("Pending", "The function is being created.", "Creating")
        case .active: (word, reason, code) = ("Active", nil, nil)
        case .failed(let failure): (word, reason, code) = ("Failed", failure, "FunctionError")
        }
    }

    init(_ update: FunctionUpdate) {
        switch update {
        case .successful: (word, reason, code) = ("Successful", nil, nil)
        case .inProgress: (word, reason, code) = ("InProgress", "The function is being created.", "Creating")
        case .failed(let failure): (word, reason, code) = ("Failed", failure, "FunctionError")
        }
    }
}

extension Timestamp {
    /// Such as `2026-11-25T19:00:00.250+0000`.
    fileprivate var lambdaText: String {
        let (seconds, rest) = milliseconds.quotientAndRemainder(dividingBy: 1_000)
        var time = time_t(seconds)
        var parts = tm()
        gmtime_r(&time, &parts)
        func padded(_ value: some BinaryInteger, _ width: Int) -> String {
            let digits = String(value)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        let day =
            "\(padded(parts.tm_year + 1900, 4))-\(padded(parts.tm_mon + 1, 2))-\(padded(parts.tm_mday, 2))"
        let clock = "\(padded(parts.tm_hour, 2)):\(padded(parts.tm_min, 2)):\(padded(parts.tm_sec, 2))"
        return "\(day)T\(clock).\(padded(rest, 3))+0000"
    }
}
