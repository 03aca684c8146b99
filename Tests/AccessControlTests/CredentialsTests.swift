import Foundation
import Synchronization
import TestSupport
import Testing

@testable import AccessControl

struct CredentialsTests {
    private static let secret = "0123456789abcdef+/=="

    @Test func `a line is a key, a comment is none, and both survive a change`() throws {
        let line = "MRAAAAAAAAAAAAAAAAAA \t \(Self.secret)  produce-only   checkout"
        var text = try CredentialsText("# keys\n\n\(line)\n", file: "keys")

        #expect(
            text.keys == [
                AccessKey(
                    id: "MRAAAAAAAAAAAAAAAAAA",
                    secret: Self.secret,
                    role: .produceOnly,
                    name: "checkout"
                )
            ]
        )
        let added = AccessKey.generate(role: .readOnly, name: nil)
        try text.add(added)
        #expect(text.text == "# keys\n\n\(line)\n\(added.id)  \(added.secret)  read-only\n")
        let removals = (0..<2).map { _ in text.remove("MRAAAAAAAAAAAAAAAAAA") }
        #expect(removals == [true, false])
        #expect(try CredentialsText(text.text, file: "keys").keys == [added])
    }

    @Test(arguments: [
        ("MRAAAAAAAAAAAAAAAAAA \(secret)", "3 or 4 parts, not 2"),
        ("MRAAAAAAAAAAAAAAAAAA \(secret) admin a b", "3 or 4 parts, not 5"),
        ("short \(secret) admin", "16 to 128 letters, digits and _"),
        ("MRAAAAAAAAAAAAAAAA-/ \(secret) admin", "16 to 128 letters, digits and _"),
        ("MRAAAAAAAAAAAAAAAAAA guessable admin", "a secret has 16 to 128 characters"),
        ("MRAAAAAAAAAAAAAAAAAA \(secret) root", "no role root: it is one of read-only, produce-only, admin"),
        ("MRAAAAAAAAAAAAAAAAAA \(secret) admin a,b", "a name has at most 64"),
        ("MRBBBBBBBBBBBBBBBBBB \(secret) admin", "is there already"),
    ])
    func `a wrong line is named, without its secret`(line: String, reason: String) throws {
        let text = "# keys\nMRBBBBBBBBBBBBBBBBBB \(Self.secret) admin\n\(line)\n"

        let invalid = #expect(throws: InvalidCredentials.self) {
            try CredentialsText(text, file: "/etc/keys")
        }

        let problem = try #require(invalid?.problems.first)
        #expect(problem.hasPrefix("/etc/keys:3: "))
        #expect(problem.contains(reason))
        #expect(!problem.contains(Self.secret))
    }

    @Test(arguments: [0o640, 0o604, 0o660, 0o644, 0o610])
    func `a file that others may use is refused with its fix`(mode: Int) async throws {
        try await withTemporaryDirectory { directory in
            let path = directory + "/keys"
            try CredentialsFile(path: path).change { try $0.add(.generate(role: .admin, name: nil)) }
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)

            let refused = #expect(throws: CredentialsUnusable.self) { try CredentialsFile(path: path).read() }

            #expect(refused?.messages.first?.contains("mode is 0\(String(mode, radix: 8))") == true)
            #expect(refused?.hint == "chmod 600 \(path)")
        }
    }

    @Test func `a new file is its owner's alone, and one change at a time is made to it`() async throws {
        try await withTemporaryDirectory { directory in
            let file = CredentialsFile(path: directory + "/keys")
            let first = AccessKey.generate(role: .admin, name: "ci")

            try file.change { text in
                try text.add(first)
                #expect(throws: CredentialsUnusable.self) { try file.change { _ in } }
            }

            let attributes = try FileManager.default.attributesOfItem(atPath: file.path)
            #expect(attributes[.posixPermissions] as? Int == 0o600)
            #expect(try file.read().keys == [first])
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == ["keys"])
        }
    }

    @Test func `a missing file, a folder and a pipe are refused`() async throws {
        try await withTemporaryDirectory { directory in
            mkfifo(directory + "/pipe", 0o600)

            for path in [directory + "/missing", directory, directory + "/pipe"] {
                let refused = #expect(throws: CredentialsUnusable.self) {
                    try CredentialsFile(path: path).read()
                }
                #expect(refused?.messages.first?.contains(path) == true)
            }
        }
    }

    @Test func `a removed key counts no more, and a broken file leaves the keys as they were`() async throws {
        try await withTemporaryDirectory { directory in
            let file = CredentialsFile(path: directory + "/keys")
            let (kept, removed) = (
                AccessKey.generate(role: .admin, name: nil), AccessKey.generate(role: .readOnly, name: nil)
            )
            try file.change {
                try $0.add(kept)
                try $0.add(removed)
            }
            let changes = Mutex<[String]>([])
            let ring = try KeyRing(file) { change in
                changes.withLock { $0.append("\(change)") }
            }
            #expect(ring.key(removed.id) == removed)

            try file.change { _ = $0.remove(removed.id) }

            #expect(ring.key(removed.id) == nil)
            #expect(ring.key(kept.id) == kept)
            #expect(changes.withLock { $0 } == ["read(keyCount: 1)"])

            try "broken\n".write(toFile: file.path, atomically: true, encoding: .utf8)
            chmod(file.path, 0o600)

            #expect(ring.key(kept.id) == kept)
            #expect(ring.key(kept.id) == kept)
            #expect(changes.withLock { $0.count } == 2)
            #expect(changes.withLock { $0.last?.contains("\(file.path):1: ") } == true)
        }
    }

    @Test func `a key does not tell its secret`() {
        let key = AccessKey.generate(role: .admin, name: "ci")

        for text in ["\(key)", String(reflecting: key), "\([key])", "\(Optional(key) as Any)"] {
            #expect(!text.contains(key.secret))
        }
        var dumped = ""
        dump(key, to: &dumped)
        #expect(!dumped.contains(key.secret))
        #expect(key.id != AccessKey.generate(role: .admin, name: nil).id)
    }
}
