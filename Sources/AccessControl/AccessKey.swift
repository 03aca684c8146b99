import Foundation

/// One key of the credentials file: who signs with it, and what they may do.
package struct AccessKey: Hashable, Sendable {
    package static let idCharacters = 16...128
    package static let secretCharacters = 16...128
    package static let maximumNameCharacters = 64

    package let id: String
    package let secret: String
    package let role: Role
    /// For people: whose key it is.
    package let name: String?

    package init(id: String, secret: String, role: Role, name: String? = nil) {
        self.id = id
        self.secret = secret
        self.role = role
        self.name = name
    }

    /// A key that nobody can guess: 90 random bits name it, 240 are its secret.
    package static func generate(role: Role, name: String?) -> AccessKey {
        var random = SystemRandomNumberGenerator()
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
        let letters = (0..<18).compactMap { _ in alphabet.randomElement(using: &random) }
        let bytes = (0..<30).map { _ in UInt8.random(in: 0...255, using: &random) }
        return AccessKey(
            id: "MR" + String(letters),
            secret: Data(bytes).base64EncodedString(),
            role: role,
            name: name
        )
    }

    static func isID(_ text: some StringProtocol) -> Bool {
        idCharacters.contains(text.utf8.count)
            && text.utf8.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "_") }
    }

    package static func isName(_ text: some StringProtocol) -> Bool {
        (1...maximumNameCharacters).contains(text.utf8.count)
            && text.utf8.allSatisfy { isAlphanumeric($0) || "_.@+-".utf8.contains($0) }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default: false
        }
    }
}

extension AccessKey: CustomStringConvertible {
    /// Without the secret, so that no message can tell it.
    package var description: String { name.map { "\(id) (\($0))" } ?? id }
}

extension AccessKey: CustomReflectable {
    package var customMirror: Mirror { Mirror(self, children: ["id": id, "role": role]) }
}
