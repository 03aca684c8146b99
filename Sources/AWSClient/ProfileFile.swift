import Foundation

/// A file of AWS's command line tools: sections of `name = value`, each for one profile.
struct ProfileFile {
    /// A real one has some hundred bytes.
    static let maximumBytes = 1 << 20

    private var sections: [String: [String: String]] = [:]

    /// - Returns: `nil` when the file is not there, cannot be read, or is too large to be one.
    init?(path: String) {
        guard let file = FileHandle(forReadingAtPath: path) else { return nil }
        defer { try? file.close() }
        guard let data = try? file.read(upToCount: Self.maximumBytes + 1), data.count <= Self.maximumBytes
        else { return nil }
        self.init(text: String(decoding: data, as: UTF8.self))
    }

    init(text: String) {
        var section: String?
        for line in text.split(whereSeparator: \.isNewline) {
            // Indented lines belong to nested settings, which hold no keys.
            guard let first = line.first, !first.isWhitespace, first != "#", first != ";" else { continue }
            if first == "[" {
                section = Self.profile(in: line.dropFirst().prefix { $0 != "]" })
            } else if let section, let equals = line.firstIndex(of: "=") {
                let name = line[..<equals].trimmingCharacters(in: .whitespaces).lowercased()
                let value = line[line.index(after: equals)...].trimmingCharacters(in: .whitespaces)
                sections[section, default: [:]][name] = value
            }
        }
    }

    func settings(of profile: String) -> [String: String]? { sections[profile] }

    /// The credentials file writes `[name]`, the configuration file `[profile name]` and `[default]`.
    private static func profile(in heading: Substring) -> String {
        let words = heading.split(whereSeparator: \.isWhitespace)
        return words.count == 2 && words[0] == "profile" ? String(words[1]) : words.joined(separator: " ")
    }
}
