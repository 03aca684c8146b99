import Foundation

/// Files that are on disk when the call that makes them returns.
struct CodeFile {
    private let descriptor: Int32
    private let path: String

    /// Makes a new file, lends it to `body` and syncs it.
    static func create(_ path: String, isExecutable: Bool, _ body: (CodeFile) throws -> Void) throws {
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        let descriptor = open(path, flags, isExecutable ? 0o755 : 0o644)
        guard descriptor >= 0 else { throw CodeFileFailure(operation: "create", path: path, code: errno) }
        defer { close(descriptor) }
        try body(CodeFile(descriptor: descriptor, path: path))
        guard fsync(descriptor) == 0 else {
            throw CodeFileFailure(operation: "sync", path: path, code: errno)
        }
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws(CodeFileFailure) {
        var rest = bytes
        while !rest.isEmpty {
            let written = Foundation.write(descriptor, rest.baseAddress, rest.count)
            guard written >= 0 || errno == EINTR else {
                throw CodeFileFailure(operation: "write", path: path, code: errno)
            }
            rest = UnsafeRawBufferPointer(rebasing: rest[max(0, written)...])
        }
    }

    static func synchronize(_ folder: String) throws(CodeFileFailure) {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw CodeFileFailure(operation: "open", path: folder, code: errno)
        }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else {
            throw CodeFileFailure(operation: "sync", path: folder, code: errno)
        }
    }

    /// Gives a folder that is on disk its name; the two lie in the same folder.
    static func move(_ folder: String, to target: String) throws(CodeFileFailure) {
        guard rename(folder, target) == 0 else {
            throw CodeFileFailure(operation: "rename", path: folder, code: errno)
        }
        let parent = URL(fileURLWithPath: target).deletingLastPathComponent()
        try synchronize(parent.path)
        // The function's own folder may be new too.
        try synchronize(parent.deletingLastPathComponent().path)
    }
}

/// The disk refused a part of a function's code.
struct CodeFileFailure: Error, Hashable, CustomStringConvertible {
    let operation: String
    let path: String
    let code: Int32

    var description: String { "cannot \(operation) \(path): \(String(cString: strerror(code)))" }
}
