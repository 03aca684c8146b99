import Foundation

/// A file of keys that only its owner can read.
package struct CredentialsFile: Sendable {
    package let path: String

    package init(path: String) {
        self.path = path
    }

    /// Reads the file.
    ///
    /// - Throws: `CredentialsUnusable`.
    package func read() throws -> CredentialsText {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw CredentialsUnusable(path: path, reason: Self.errorText()) }
        defer { close(descriptor) }
        try check(descriptor)
        do {
            return try CredentialsText(try contents(of: descriptor), file: path)
        } catch let invalid as InvalidCredentials {
            throw CredentialsUnusable(
                messages: invalid.problems,
                hint: "a line is: access-key-id secret role [name]; `millrace credentials add` writes one"
            )
        }
    }

    /// Replaces the file by its changed text, all or nothing; makes it when it is missing.
    ///
    /// - Throws: `CredentialsUnusable`, also while another command is changing the file.
    package func change(_ change: (inout CredentialsText) throws -> Void) throws {
        // The new file beside it is at the same time the lock: two commands cannot undo each other's change.
        let newPath = path + ".new"
        let descriptor = open(newPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            guard errno == EEXIST else { throw CredentialsUnusable(path: newPath, reason: Self.errorText()) }
            throw CredentialsUnusable(
                messages: ["\(path) is being changed by another command: \(newPath) is there"],
                hint: "try again; if no other command runs, remove \(newPath)"
            )
        }
        defer { close(descriptor) }
        do {
            var text = FileVersion(path: path) == nil ? CredentialsText() : try read()
            try change(&text)
            let bytes = Array(text.text.utf8)
            let written = bytes.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            guard written == bytes.count, fchmod(descriptor, 0o600) == 0, fsync(descriptor) == 0,
                rename(newPath, path) == 0
            else { throw CredentialsUnusable(path: newPath, reason: Self.errorText()) }
        } catch {
            unlink(newPath)
            throw error
        }
    }

    /// Whoever can read a key can use it, and whoever can write the file can add one.
    private func check(_ descriptor: Int32) throws {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw CredentialsUnusable(path: path, reason: Self.errorText())
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw CredentialsUnusable(path: path, reason: "it is not a file")
        }
        guard status.st_uid == geteuid() || status.st_uid == 0 else {
            throw CredentialsUnusable(
                messages: ["\(path) belongs to user \(status.st_uid), who could add keys to it"],
                hint: "chown \(geteuid()) \(path)"
            )
        }
        let mode = status.st_mode & 0o777
        guard mode & 0o077 == 0 else {
            throw CredentialsUnusable(
                messages: ["\(path) is open to other users: its mode is 0\(String(mode, radix: 8))"],
                hint: "chmod 600 \(path)"
            )
        }
        guard status.st_size <= CredentialsText.maximumBytes else {
            throw CredentialsUnusable(
                path: path,
                reason: "it is larger than \(CredentialsText.maximumBytes) bytes"
            )
        }
    }

    private func contents(of descriptor: Int32) throws -> String {
        var bytes = [UInt8](repeating: 0, count: CredentialsText.maximumBytes + 1)
        var count = 0
        while count < bytes.count {
            let read = bytes.withUnsafeMutableBytes { buffer in
                Foundation.read(descriptor, buffer.baseAddress?.advanced(by: count), buffer.count - count)
            }
            guard read >= 0 else { throw CredentialsUnusable(path: path, reason: Self.errorText()) }
            if read == 0 { break }
            count += read
        }
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }

    private static func errorText() -> String { String(cString: strerror(errno)) }
}

/// Why a credentials file cannot be used, and what to do about it.
package struct CredentialsUnusable: Error, Equatable, CustomStringConvertible {
    package let messages: [String]
    package let hint: String?

    package init(messages: [String], hint: String? = nil) {
        self.messages = messages
        self.hint = hint
    }

    init(path: String, reason: String) {
        self.init(messages: ["credentials file \(path) cannot be used: \(reason)"])
    }

    package var description: String { messages.joined(separator: "; ") }
}
