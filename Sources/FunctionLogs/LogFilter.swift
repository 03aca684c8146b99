import ByteCoding

/// A filter pattern of CloudWatch Logs, as far as it is about text: words and quoted phrases that a line must hold
/// (`ERROR "no gate"`), of which one must be there (`?ERROR ?WARN`), or that must not be (`-DEBUG`).
///
/// Upper and lower case differ.
package struct LogFilter: Hashable, Sendable {
    package static let everything = LogFilter(required: [], alternatives: [], excluded: [])
    /// As the service has it.
    package static let maximumCharacters = 1024

    private let required: [[UInt8]]
    private let alternatives: [[UInt8]]
    private let excluded: [[UInt8]]

    private init(required: [[UInt8]], alternatives: [[UInt8]], excluded: [[UInt8]]) {
        self.required = required
        self.alternatives = alternatives
        self.excluded = excluded
    }

    /// Why a pattern cannot be used.
    package struct Invalid: Error, Hashable, CustomStringConvertible {
        package let description: String
    }

    package init(_ pattern: String) throws(Invalid) {
        var required: [[UInt8]] = []
        var alternatives: [[UInt8]] = []
        var excluded: [[UInt8]] = []
        var rest = pattern[...]
        while let first = rest.first {
            if first.isWhitespace {
                rest.removeFirst()
                continue
            }
            guard first != "{", first != "[" else {
                let kind = first == "{" ? "JSON patterns" : "patterns of space-delimited fields"
                throw Invalid(description: "\(kind) are not supported: use words and quoted phrases")
            }
            guard first != "%" else {
                throw Invalid(
                    description: "regular expressions are not supported: use words and quoted phrases"
                )
            }
            let mark = first == "?" || first == "-" ? rest.removeFirst() : nil
            let term = Array(try Self.takeTerm(&rest).utf8)
            switch mark {
            case "?": alternatives.append(term)
            case "-": excluded.append(term)
            default: required.append(term)
            }
        }
        self.init(required: required, alternatives: alternatives, excluded: excluded)
    }

    private static func takeTerm(_ rest: inout Substring) throws(Invalid) -> String {
        guard rest.first == "\"" else {
            let word = rest.prefix { !$0.isWhitespace }
            // Outside of quotes the service takes letters, digits and underscores only.
            guard !word.isEmpty, word.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" }) else {
                throw Invalid(description: "Invalid filter pattern: put \"\(word)\" into double quotes")
            }
            rest = rest[word.endIndex...]
            return String(word)
        }
        rest.removeFirst()
        var term = ""
        while let character = rest.popFirst() {
            switch character {
            case "\"":
                guard !term.isEmpty else {
                    throw Invalid(description: "Invalid filter pattern: an empty phrase")
                }
                return term
            case "\\": if let escaped = rest.popFirst() { term.append(escaped) }
            default: term.append(character)
            }
        }
        throw Invalid(description: "Invalid filter pattern: a quote is not closed")
    }

    /// As the service does: alternatives count only where nothing is required beside them.
    func matches(_ line: UnsafeRawBufferPointer) -> Bool {
        guard !excluded.contains(where: line.contains(bytes:)) else { return false }
        guard required.isEmpty else { return required.allSatisfy(line.contains(bytes:)) }
        return alternatives.isEmpty || alternatives.contains(where: line.contains(bytes:))
    }
}
