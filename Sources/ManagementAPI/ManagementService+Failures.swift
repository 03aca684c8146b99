import StreamCore

extension ManagementService {
    /// How many failures one answer may list.
    private static let listLimits = 1...1_000
    private static let defaultListLimit = 100

    /// `GET failures?mapping=ID&limit=N`, the last stored first.
    func failures(_ query: [String: String]) async throws -> Answer {
        guard let failures = host.failures else { return refuse(501, ["this host keeps no failures"]) }
        if let unknown = query.keys.filter({ $0 != "mapping" && $0 != "limit" }).min() {
            return refuse(400, ["no such parameter: \(unknown); failures take mapping and limit"])
        }
        let mapping = query["mapping"].map { MappingID($0) }
        if let mapping, mapping == nil {
            return refuse(400, ["mapping \(query["mapping"] ?? "") is not the UUID of a mapping"])
        }
        guard let limit = query["limit"].map({ Int($0) }) ?? Self.defaultListLimit,
            Self.listLimits.contains(limit)
        else {
            let limits = "\(Self.listLimits.lowerBound) to \(Self.listLimits.upperBound)"
            return refuse(400, ["limit \(query["limit"] ?? "") is not a number from \(limits)"])
        }
        let found = try await failures.list(mapping ?? nil, limit)
        return try answer(200, found.map { FailureSummary($0) })
    }

    /// `GET failures/ID`, with the function's event.
    func failure(_ id: String) async throws -> Answer {
        guard let failures = host.failures else { return refuse(501, ["this host keeps no failures"]) }
        guard let found = try await failures.find(id) else {
            return refuse(404, ["there is no failure \(id)"])
        }
        return try answer(200, FailureSummary(found, withPayload: true))
    }
}
