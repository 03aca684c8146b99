import Yams

/// Finds where a key stands that its map has had before.
///
/// The parser refuses such a map as a whole and tells no more than the first key's place. So that key is given
/// another name of the same length, until the document can be read with the places of all the others.
struct DuplicateKeys {
    struct Repetition: Equatable {
        let key: String
        let place: ManifestProblem.Place
        let firstLine: Int
    }

    /// Empty when there is none, or none could be found: among keys that are no plain words, or in a document that is
    /// wrong in other ways too.
    private(set) var repetitions: [Repetition] = []

    private static let maximumRenamings = 100

    init(in yaml: String) {
        var text = yaml
        var originals: [String: String] = [:]
        while originals.count < Self.maximumRenamings {
            do {
                if let document = try compose(yaml: text) { collect(from: document, originals) }
                return
            } catch YamlError.duplicatedKeysInMapping(let keys, let context) {
                // From the private use area, and another one each time: no key is called that.
                guard let key = keys.first, let letter = UnicodeScalar(0xE000 + originals.count) else {
                    return
                }
                let name = String(repeating: String(letter), count: key.unicodeScalars.count)
                guard let renamed = Self.renaming(key, at: context.mark, to: name, in: text) else { return }
                originals[name] = key
                text = renamed
            } catch {
                return
            }
        }
    }

    /// - Returns: `nil` when the key does not stand there letter by letter.
    private static func renaming(_ key: String, at mark: Mark, to name: String, in text: String) -> String? {
        var scalars = Array(text.unicodeScalars)
        var start = 0
        for _ in 1..<max(1, mark.line) {
            guard let end = scalars[start...].firstIndex(of: "\n") else { return nil }
            start = end + 1
        }
        start += mark.column - 1
        if start < scalars.count, ["\"", "'"].contains(scalars[start]) { start += 1 }
        let letters = Array(key.unicodeScalars)
        guard start >= 0, scalars.dropFirst(start).starts(with: letters) else { return nil }
        scalars.replaceSubrange(start..<start + letters.count, with: name.unicodeScalars)
        var result = String.UnicodeScalarView()
        result.append(contentsOf: scalars)
        return String(result)
    }

    private mutating func collect(from node: Node, _ originals: [String: String]) {
        switch node {
        case .mapping(let mapping):
            var firstLines: [String: Int] = [:]
            for (key, value) in mapping {
                if let text = key.scalar?.string, let place = key.place {
                    add(originals[text] ?? text, at: place, &firstLines)
                }
                collect(from: value, originals)
            }
        case .sequence(let sequence):
            for element in sequence { collect(from: element, originals) }
        case .scalar, .alias: break
        }
    }

    private mutating func add(
        _ key: String,
        at place: ManifestProblem.Place,
        _ firstLines: inout [String: Int]
    ) {
        guard let firstLine = firstLines[key] else {
            firstLines[key] = place.line
            return
        }
        let repetition = Repetition(key: key, place: place, firstLine: firstLine)
        // An alias shows its map again.
        if !repetitions.contains(repetition) { repetitions.append(repetition) }
    }
}
