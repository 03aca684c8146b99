import ManagementAPI

/// How a command names a mapping: its ID, the beginning of it, or FUNCTION/STREAM.
struct MappingReference: Equatable {
    let text: String

    static let help = "The mapping's ID, the beginning of it, or FUNCTION/STREAM."

    /// - Throws: `CommandFailure` when it names none of them, or several.
    func find(in mappings: [MappingSummary]) throws -> MappingSummary {
        let found = mappings.filter { mapping in
            text == "\(mapping.function)/\(mapping.stream)"
                || (!text.isEmpty && mapping.mapping.hasPrefix(text.lowercased()))
        }
        if found.count == 1 { return found[0] }
        guard found.isEmpty else {
            throw CommandFailure(
                "\(text) names \(found.count) mappings: \(found.map(\.mapping).sorted().joined(separator: ", "))",
                hint: "give more of the ID"
            )
        }
        throw CommandFailure("there is no mapping \(text)", hint: "`millrace mapping list` lists them")
    }
}

extension HostClient {
    /// The mapping that a command's argument names.
    func mapping(named text: String) async throws -> MappingSummary {
        let mappings = try await management("GET", "mappings", as: [MappingSummary].self)
        return try MappingReference(text: text).find(in: mappings)
    }

    func mappingID(named text: String) async throws -> String { try await mapping(named: text).mapping }
}
