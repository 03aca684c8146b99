import ManagementAPI

extension HostClient {
    /// Registers a template's functions, says what was left out of it, and creates the streams that are missing.
    func register(template request: TemplateRequest) async throws {
        let template: TemplateSummary
        do {
            template = try await management("POST", "functions", request, as: TemplateSummary.self)
        } catch let failure as CommandFailure where !failure.isUnanswered {
            throw CommandFailure(
                messages: failure.messages,
                hint: failure.hint ?? Self.hint(for: failure, request)
            )
        }
        for reason in template.leftOut { printError("left out: \(reason)") }
        var failures: [CommandFailure] = []
        for function in template.functions {
            do { try function.announce() } catch { failures.append(error) }
        }
        for stream in template.streams { try await create(stream) }
        guard failures.isEmpty else { throw CommandFailure(messages: failures.flatMap(\.messages)) }
    }

    private static func hint(for failure: CommandFailure, _ request: TemplateRequest) -> String {
        let isUnsupported = failure.messages.contains { $0.contains("not supported by this version") }
        let nothing = "no function of \(request.template) was registered"
        guard isUnsupported, !request.skipsUnsupported else { return nothing }
        return nothing + "; --skip-unsupported leaves out what is not supported"
    }

    private func create(_ stream: StreamPlan) async throws {
        let reference: [String: Any] = ["StreamName": stream.name]
        do {
            if let existing = try await summary(of: stream.name) {
                let shards = existing["OpenShardCount"] as? Int
                let differs = stream.shardCount.map { $0 != shards } ?? false
                return printError(
                    "stream \(stream.name) exists"
                        + (differs
                            ? " with \(shards ?? 0) shards; the template's ShardCount has no effect" : "")
                )
            }
            var request = reference
            if let shards = stream.shardCount {
                request["ShardCount"] = shards
            } else {
                request["StreamModeDetails"] = ["StreamMode": "ON_DEMAND"]
            }
            if !stream.tags.isEmpty { request["Tags"] = stream.tags }
            _ = try await kinesis("CreateStream", request)
            if let hours = stream.retentionHours, hours > 24 {
                _ = try await kinesis(
                    "IncreaseStreamRetentionPeriod",
                    reference.merging(["RetentionPeriodHours": hours]) { $1 }
                )
            }
            printError("stream \(stream.name) created")
        } catch let failure as CommandFailure {
            throw CommandFailure(
                messages: failure.messages + [
                    "stream \(stream.name) was not set up; the functions are registered and wait for it"
                ],
                hint: failure.hint ?? "`millrace stream create \(stream.name)` creates it"
            )
        }
    }

    /// - Returns: `nil` when there is no such stream.
    private func summary(of stream: String) async throws -> [String: Any]? {
        var request: [String: Any] = [:]
        while true {
            let answer = try await kinesis("ListStreams", request)
            let names = answer["StreamNames"] as? [String] ?? []
            if names.contains(stream) {
                let described = try await kinesis("DescribeStreamSummary", ["StreamName": stream])
                return described["StreamDescriptionSummary"] as? [String: Any] ?? [:]
            }
            guard answer["HasMoreStreams"] as? Bool == true, let token = answer["NextToken"] else {
                return nil
            }
            request = ["NextToken": token]
        }
    }
}
