/// The text of a credentials file: one key per line, its parts separated by blanks.
///
///     # access key id      secret                                    role          name
///     MRQ5T2…              kV8c…                                     produce-only  checkout
///
/// What follows a `#` at the start of a line is a comment.
package struct CredentialsText: Sendable {
    package static let maximumKeys = 1_000
    package static let maximumBytes = 512 * 1024

    package private(set) var keys: [AccessKey] = []
    private var lines: [Line] = []

    private struct Line {
        let text: String
        let id: String?
    }

    package init() {
        lines = [Line(text: "# access key id, secret, role (\(Role.names)), name", id: nil)]
    }

    /// - Parameter file: For messages only.
    /// - Throws: `InvalidCredentials` that names every wrong line.
    package init(_ text: String, file: String) throws {
        var problems: [String] = []
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            do {
                let key = try Self.key(in: line)
                if let key, keys.contains(where: { $0.id == key.id }) {
                    throw BadLine(reason: "the key \(key.id) is there already")
                }
                if let key { keys.append(key) }
                lines.append(Line(text: String(line), id: key?.id))
            } catch let bad as BadLine {
                problems.append("\(file):\(index + 1): \(bad.reason)")
            }
        }
        if keys.count > Self.maximumKeys {
            problems.append("\(file) has \(keys.count) keys; at most \(Self.maximumKeys) are allowed")
        }
        guard problems.isEmpty else { throw InvalidCredentials(problems: problems) }
        // The last line ends in a newline, too.
        while lines.last?.text.isEmpty == true { lines.removeLast() }
    }

    /// - Throws: `InvalidCredentials` when there is no room for one more.
    package mutating func add(_ key: AccessKey) throws {
        guard keys.count < Self.maximumKeys else {
            throw InvalidCredentials(problems: ["a credentials file holds at most \(Self.maximumKeys) keys"])
        }
        let parts = [key.id, key.secret, key.role.rawValue, key.name].compactMap(\.self)
        keys.append(key)
        lines.append(Line(text: parts.joined(separator: "  "), id: key.id))
    }

    /// - Returns: Whether the key was there.
    package mutating func remove(_ id: String) -> Bool {
        let before = keys.count
        keys.removeAll { $0.id == id }
        lines.removeAll { $0.id == id }
        return keys.count < before
    }

    package var text: String { lines.map { $0.text + "\n" }.joined() }

    private struct BadLine: Error {
        let reason: String
    }

    /// Says what is wrong without repeating the line: it may hold a secret.
    private static func key(in line: Substring) throws -> AccessKey? {
        let parts = line.split(whereSeparator: \.isWhitespace)
        guard let id = parts.first, !id.hasPrefix("#") else { return nil }
        guard (3...4).contains(parts.count) else {
            throw BadLine(
                reason:
                    "a key is an access key id, a secret, a role and perhaps a name: 3 or 4 parts, not \(parts.count)"
            )
        }
        guard AccessKey.isID(id) else {
            throw BadLine(
                reason: "an access key id has \(AccessKey.idCharacters.lowerBound) to "
                    + "\(AccessKey.idCharacters.upperBound) letters, digits and _"
            )
        }
        guard AccessKey.secretCharacters.contains(parts[1].utf8.count) else {
            throw BadLine(
                reason: "a secret has \(AccessKey.secretCharacters.lowerBound) to "
                    + "\(AccessKey.secretCharacters.upperBound) characters"
            )
        }
        guard let role = Role(rawValue: String(parts[2])) else {
            throw BadLine(reason: "there is no role \(parts[2]): it is one of \(Role.names)")
        }
        if parts.count == 4, !AccessKey.isName(parts[3]) {
            throw BadLine(
                reason: "a name has at most \(AccessKey.maximumNameCharacters) letters, digits and _.@+-"
            )
        }
        return AccessKey(
            id: String(id),
            secret: String(parts[1]),
            role: role,
            name: parts.count == 4 ? String(parts[3]) : nil
        )
    }
}

/// Why a credentials file's text cannot be used.
package struct InvalidCredentials: Error, Equatable {
    package let problems: [String]
}
