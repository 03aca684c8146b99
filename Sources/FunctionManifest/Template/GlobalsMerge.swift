import Yams

/// Merges `Globals` into a resource's properties as SAM does: maps key by key, lists one after the other, and of
/// everything else the resource's own.
enum GlobalsMerge {
    static func merged(_ global: Node, _ own: Node) -> Node {
        // A function such as !Ref is a value, whatever it is written as.
        guard Intrinsic(global) == nil, Intrinsic(own) == nil else { return own }
        if let globals = global.elements, let elements = own.elements {
            return .sequence(Node.Sequence(globals + elements, .implicit, .any, own.mark))
        }
        guard let globals = global.entries, let entries = own.entries else { return own }
        let inherited = globals.filter { entry in !entries.contains { $0.name == entry.name } }
        let merged = entries.map { entry in
            let global = globals.first { $0.name == entry.name }
            return (entry.key, entry.name, global.map { Self.merged($0.value, entry.value) } ?? entry.value)
        }
        return own.map(of: inherited + merged)
    }
}
