/// Makes a program of clauses.
struct FilterProgramBuilder {
    /// What a bit will stand for.
    private struct Condition: Hashable {
        enum Kind: Hashable {
            case leaf(Range<Int>)
            case conjunction([Condition])
        }

        let node: Int
        let kind: Kind
    }

    private struct PathNode {
        var children: [(name: String, node: Int)] = []
        /// Each once, in the order in which they were first asked for.
        var conditions: [Condition] = []
    }

    private typealias Field = (path: ArraySlice<String>, tests: Range<Int>)

    private var paths = [PathNode()]
    private var known: Set<Condition> = []
    private var bits: [Condition: Int] = [:]
    private var program: FilterProgram

    static func program(of clauses: [FilterClause], _ tests: ValueTests) -> FilterProgram {
        var tests = tests
        let exists = tests.addLeaf([.exists])
        var builder = FilterProgramBuilder(tests)
        // Bits are dealt out once all conditions are known, so that those of a path and of what lies below it are
        // neighbours, and forgetting a value is one move.
        let conditions = clauses.map { clause in
            let present = builder.conditions(clause.present.map { ($0.path[...], $0.tests) }, below: 0)
            let absent = clause.absent.flatMap { builder.conditions([($0[...], exists)], below: 0) }
            return (present: present, absent: absent)
        }
        builder.lay(node: 0)
        let data = builder.child(of: 0, PatternReader.dataField)
        for (clause, conditions) in zip(clauses, conditions) {
            let paths = clause.present.map(\.path) + clause.absent
            builder.program.clauses.append(
                FilterProgram.Clause(
                    metadata: builder.require(conditions.present.filter { $0.node != data }),
                    data: builder.require(conditions.present.filter { $0.node == data }),
                    absent: builder.require(conditions.absent),
                    namesData: paths.contains { $0.first == PatternReader.dataField }
                )
            )
        }
        return builder.named()
    }

    private init(_ tests: ValueTests) {
        program = FilterProgram(tests: tests)
    }

    /// What an object at `node` has to fulfil for these fields of it to be as asked.
    private mutating func conditions(_ fields: [Field], below node: Int) -> [Condition] {
        var conditions: [Condition] = []
        var inner: [(child: Int, fields: [Field])] = []
        for field in fields {
            guard let name = field.path.first else { continue }
            let child = makeChild(of: node, name)
            let rest = field.path.dropFirst()
            if rest.isEmpty {
                conditions.append(add(Condition(node: child, kind: .leaf(field.tests))))
            } else if let index = inner.firstIndex(where: { $0.child == child }) {
                inner[index].fields.append((rest, field.tests))
            } else {
                inner.append((child, [(rest, field.tests)]))
            }
        }
        for (child, fields) in inner {
            let needs = self.conditions(fields, below: child)
            conditions.append(add(Condition(node: child, kind: .conjunction(needs))))
        }
        return conditions
    }

    private mutating func add(_ condition: Condition) -> Condition {
        if known.insert(condition).inserted { paths[condition.node].conditions.append(condition) }
        return condition
    }

    private func child(of node: Int, _ name: String) -> Int? {
        paths[node].children.first { $0.name.utf8.elementsEqual(name.utf8) }?.node
    }

    private mutating func makeChild(of node: Int, _ name: String) -> Int {
        if let child = child(of: node, name) { return child }
        paths.append(PathNode())
        paths[node].children.append((name, paths.count - 1))
        return paths.count - 1
    }

    /// Writes the node, and those below it, into the program; nodes keep their places.
    private mutating func lay(node index: Int) {
        if program.nodes.isEmpty {
            program.nodes = Array(repeating: FilterProgram.Node(), count: paths.count)
        }
        let path = paths[index]
        var node = FilterProgram.Node()
        let start = bits.count
        for condition in path.conditions { bits[condition] = bits.count }
        let below = bits.count
        for (_, child) in path.children { lay(node: child) }
        node.bits = start..<bits.count
        node.bitsBelow = below..<bits.count

        node.leaves = program.leaves.count..<program.leaves.count
        node.conjunctions = program.conjunctions.count..<program.conjunctions.count
        for condition in path.conditions {
            let bit = bits[condition, default: start]
            switch condition.kind {
            case .leaf(let tests): program.leaves.append(FilterProgram.Leaf(bit: bit, tests: tests))
            case .conjunction(let needs):
                program.conjunctions.append(FilterProgram.Conjunction(bit: bit, needs: require(needs)))
            }
        }
        node.leaves = node.leaves.lowerBound..<program.leaves.count
        node.conjunctions = node.conjunctions.lowerBound..<program.conjunctions.count

        let firstName = program.names.count
        for (name, child) in path.children {
            let text = program.nameTexts.count..<program.nameTexts.count + name.utf8.count
            program.nameTexts += name.utf8
            program.names.append(FilterProgram.Name(text: text, node: child))
            node.nameLengths |= 1 << UInt64(text.count & 63)
        }
        node.names = firstName..<program.names.count
        program.nodes[index] = node
    }

    /// - Returns: Where the bits of these conditions lie in `requirements`.
    private mutating func require(_ conditions: [Condition]) -> Range<Int> {
        let start = program.requirements.count
        program.requirements += conditions.compactMap { bits[$0] }
        return start..<program.requirements.count
    }

    private func named() -> FilterProgram {
        var program = program
        program.data = child(of: 0, PatternReader.dataField)
        program.partitionKey = child(of: 0, "partitionKey")
        program.sequenceNumber = child(of: 0, "sequenceNumber")
        program.arrival = child(of: 0, "approximateArrivalTimestamp")
        program.schemaVersion = child(of: 0, "kinesisSchemaVersion")
        return program
    }
}
