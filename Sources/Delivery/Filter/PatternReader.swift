/// One way to match: every field that it names has one of its values, and the absent ones are nowhere in the record.
///
/// A pattern is a list of these, as each `$or` and each "null or not there" forks it.
struct FilterClause {
    typealias Path = [String]

    /// Paths, and the places of what their values may be in `ValueTests`.
    var present: [(path: Path, tests: Range<Int>)] = []
    var absent: [Path] = []

    static func + (left: FilterClause, right: FilterClause) -> FilterClause {
        FilterClause(present: left.present + right.present, absent: left.absent + right.absent)
    }
}

/// Reads patterns into clauses, and gathers what is wrong with them.
struct PatternReader {
    static let maximumPatterns = 10
    static let maximumCharacters = 4_096
    /// Most ways to match; EventBridge's limit on what `$or` multiplies to.
    static let maximumClauses = 1_000

    static let dataField = "data"
    static let metadataFields = [
        "partitionKey", "sequenceNumber", "approximateArrivalTimestamp", "kinesisSchemaVersion",
    ]

    private(set) var tests = ValueTests()
    private(set) var clauses: [FilterClause] = []
    private(set) var problems: [InvalidFilter.Problem] = []
    private var number = 0

    init(_ patterns: [String]) {
        guard patterns.count <= Self.maximumPatterns else {
            note(nil, [], "there are \(patterns.count) patterns, the limit is \(Self.maximumPatterns)")
            return
        }
        for pattern in patterns {
            number += 1
            clauses += read(pattern)
        }
        if clauses.count > Self.maximumClauses {
            let limit = Self.maximumClauses
            note(nil, [], "the patterns have \(clauses.count) alternatives, the limit is \(limit)")
        }
    }

    private mutating func read(_ pattern: String) -> [FilterClause] {
        let characters = pattern.unicodeScalars.count
        guard characters <= Self.maximumCharacters else {
            return refuse([], "it has \(characters) characters, the limit is \(Self.maximumCharacters)")
        }
        do throws(MalformedJSON) {
            guard case .object(let members) = try JSONTree(pattern) else {
                return refuse([], #"it is no JSON object, such as {"data": {"kind": ["order"]}}"#)
            }
            return object(members, at: [])
        } catch {
            return refuse([], "it is not JSON: \(error)")
        }
    }

    private mutating func object(_ members: [JSONTree.Member], at path: [String]) -> [FilterClause] {
        guard !members.isEmpty else { return refuse(path, "an empty object matches nothing; name a field") }
        var clauses = [FilterClause()]
        for member in members {
            let more =
                if member.name == "$or" {
                    alternatives(member.value, at: path)
                } else if path.isEmpty {
                    recordField(member.name, member.value)
                } else {
                    field(member.value, at: path + [member.name])
                }
            guard clauses.count * more.count <= Self.maximumClauses else {
                return refuse(path, "its alternatives multiply to more than \(Self.maximumClauses)")
            }
            clauses = clauses.flatMap { clause in more.map { clause + $0 } }
        }
        return clauses
    }

    private mutating func alternatives(_ value: JSONTree, at path: [String]) -> [FilterClause] {
        guard case .list(let list) = value, list.count >= 2 else {
            return refuse(path + ["$or"], "it takes a list of at least two objects")
        }
        var clauses: [FilterClause] = []
        for alternative in list {
            guard case .object(let members) = alternative else {
                return refuse(path + ["$or"], "it takes objects, each with the fields of one alternative")
            }
            clauses += object(members, at: path)
        }
        return clauses
    }

    /// A field of the record itself.
    private mutating func recordField(_ name: String, _ value: JSONTree) -> [FilterClause] {
        switch value {
        case .list where name == Self.dataField:
            refuse([name], #"it takes an object with fields of the payload, such as {"kind": ["order"]}"#)
        case .object where Self.metadataFields.contains(name):
            refuse([name], #"it takes a list of values, such as ["a", {"prefix": "b"}]"#)
        case _ where name == Self.dataField || Self.metadataFields.contains(name):
            field(value, at: [name])
        default:
            refuse(
                [name],
                "a record has no such field; fields of the payload go into \"data\", others are "
                    + Self.metadataFields.joined(separator: ", ")
            )
        }
    }

    private mutating func field(_ value: JSONTree, at path: [String]) -> [FilterClause] {
        switch value {
        case .object(let members): return object(members, at: path)
        case .list(let list):
            let leaf = LeafReader(list, pool: &tests)
            for reason in leaf.reasons { note(number, path, reason) }
            var clauses: [FilterClause] = []
            if !leaf.tests.isEmpty {
                clauses.append(FilterClause(present: [(path, tests.addLeaf(leaf.tests))]))
            }
            if leaf.acceptsAbsence { clauses.append(FilterClause(absent: [path])) }
            return clauses
        case .string, .number, .bool, .null:
            return refuse(path, "a value stands in a list, such as [\"a\"]")
        }
    }

    private mutating func refuse(_ path: [String], _ reason: String) -> [FilterClause] {
        note(number, path, reason)
        return []
    }

    private mutating func note(_ pattern: Int?, _ path: [String], _ reason: String) {
        problems.append(
            InvalidFilter.Problem(
                pattern: pattern,
                path: InvalidFilter.shortened(path.joined(separator: ".")),
                reason: reason
            )
        )
    }
}
