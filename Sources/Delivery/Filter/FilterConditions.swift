#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Which conditions of a program the record in hand fulfils.
///
/// Pointers and nothing else, as closures copy it for each field of a payload: counting references to the program's
/// lists took longer than reading the payloads.
struct FilterConditions {
    let program: UnsafePointer<FilterProgram>
    /// By bit.
    private let fulfilled: UnsafeMutableBufferPointer<Bool>

    /// Lends room for the conditions of a program.
    static func with<Result>(_ program: FilterProgram, _ body: (FilterConditions) -> Result) -> Result {
        withUnsafePointer(to: program) { pointer in
            withUnsafeTemporaryAllocation(of: Bool.self, capacity: program.bitCount) { fulfilled in
                fulfilled.initialize(repeating: false)
                return body(FilterConditions(program: pointer, fulfilled: fulfilled))
            }
        }
    }

    func forgetAll() { forget(0..<fulfilled.count) }

    /// Reads the value of a field, or one element of the list that it is.
    func read(_ cursor: inout JSONCursor, at index: Int, depth: Int) throws(MalformedJSON) {
        switch cursor.peek() {
        case UInt8(ascii: "{"): try readObject(&cursor, at: index, depth: depth)
        case UInt8(ascii: "["):
            guard try cursor.open(UInt8(ascii: "["), closing: UInt8(ascii: "]"), depth: depth) else { return }
            repeat {
                try read(&cursor, at: index, depth: depth + 1)
            } while try cursor.nextMember(closing: UInt8(ascii: "]"))
        default: try cursor.scalar { test($0, at: index) }
        }
    }

    private func readObject(_ cursor: inout JSONCursor, at index: Int, depth: Int) throws(MalformedJSON) {
        let node = program.pointee.nodes[index]
        // Nothing below is asked for.
        guard !node.names.isEmpty else { return try cursor.skipValue(depth: depth) }
        // What the element before in a list had is not this object's.
        forget(node.bitsBelow)
        guard try cursor.open(UInt8(ascii: "{"), closing: UInt8(ascii: "}"), depth: depth) else { return }
        repeat {
            let name = try cursor.name()
            if let child = child(of: node, cursor, name) {
                // Of several fields with one name the last counts.
                forget(program.pointee.nodes[child].bits)
                try read(&cursor, at: child, depth: depth + 1)
            } else {
                try cursor.skipValue(depth: depth + 1)
            }
        } while try cursor.nextMember(closing: UInt8(ascii: "}"))
        for conjunction in node.conjunctions {
            let conjunction = program.pointee.conjunctions[conjunction]
            if holds(conjunction.needs) { fulfilled[conjunction.bit] = true }
        }
    }

    @inline(__always)
    private func child(of node: FilterProgram.Node, _ cursor: JSONCursor, _ name: JSONText) -> Int? {
        cursor.withCharacters(of: name) { characters in
            guard let characters, node.nameLengths & 1 << UInt64(characters.count & 63) != 0 else {
                return nil
            }
            return program.pointee.nameTexts.withUnsafeBytes { texts in
                for index in node.names {
                    let name = program.pointee.names[index]
                    if name.text.count == characters.count, isEqual(characters, texts, name.text) {
                        return name.node
                    }
                }
                return nil
            }
        }
    }

    @inline(__always)
    private func isEqual(
        _ bytes: UnsafeRawBufferPointer,
        _ texts: UnsafeRawBufferPointer,
        _ text: Range<Int>
    ) -> Bool {
        guard let left = bytes.baseAddress, let right = texts.baseAddress else { return text.isEmpty }
        return memcmp(left, right + text.lowerBound, text.count) == 0
    }

    func test(_ value: JSONScalar, at index: Int) {
        for index in program.pointee.nodes[index].leaves {
            let leaf = program.pointee.leaves[index]
            if !fulfilled[leaf.bit], program.pointee.tests.accept(value, leaf.tests) {
                fulfilled[leaf.bit] = true
            }
        }
    }

    @inline(__always)
    func holds(_ needs: Range<Int>) -> Bool {
        for index in needs where !fulfilled[program.pointee.requirements[index]] { return false }
        return true
    }

    @inline(__always)
    func areMissing(_ fields: Range<Int>) -> Bool {
        for index in fields where fulfilled[program.pointee.requirements[index]] { return false }
        return true
    }

    @inline(__always)
    private func forget(_ bits: Range<Int>) {
        for bit in bits { fulfilled[bit] = false }
    }
}
