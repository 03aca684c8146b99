/// Clauses in the form in which records are looked at: the tree of the paths that they name, with conditions in it.
///
/// Each condition has a bit, which says whether the record fulfils it. A leaf condition asks something of the value at
/// its path; a conjunction asks that one object there, of several in a list perhaps, fulfils conditions right below.
/// So fields of one object belong together, as in EventBridge: no match takes them from two elements of a list.
///
/// Everything is flat and refers to the rest by place.
struct FilterProgram {
    /// A path that the clauses name.
    struct Node {
        /// Of `names`: fields right below.
        var names = 0..<0
        /// A bit for each length that a name below has, modulo 64.
        var nameLengths: UInt64 = 0
        var leaves = 0..<0
        var conjunctions = 0..<0
        /// What is known of the value here, and of what lies in it.
        var bits = 0..<0
        /// The part of `bits` that lies in it.
        var bitsBelow = 0..<0
    }

    struct Name {
        let text: Range<Int>
        let node: Int
    }

    struct Leaf {
        let bit: Int
        let tests: Range<Int>
    }

    struct Conjunction {
        let bit: Int
        /// Of `requirements`.
        let needs: Range<Int>
    }

    /// All of it holds when the record matches in this way; places in `requirements`.
    struct Clause {
        let metadata: Range<Int>
        let data: Range<Int>
        let absent: Range<Int>
        /// Whether the payload has to be JSON.
        let namesData: Bool
    }

    var tests: ValueTests
    /// The first is the record itself.
    var nodes: [Node] = []
    var names: [Name] = []
    /// The names as UTF-8.
    var nameTexts: [UInt8] = []
    var leaves: [Leaf] = []
    var conjunctions: [Conjunction] = []
    /// Bits.
    var requirements: [Int] = []
    var clauses: [Clause] = []

    /// The nodes of the record's own fields, where the clauses name them.
    var data: Int?
    var partitionKey: Int?
    var sequenceNumber: Int?
    var arrival: Int?
    var schemaVersion: Int?

    var bitCount: Int { nodes.first?.bits.count ?? 0 }
}
