import Foundation

/// A folder of a worker's own for as long as it runs; when it was killed, the next worker removes it.
///
/// The folder itself is locked, which the kernel undoes however the process ends.
final class WorkerFolder: Sendable {
    let path: String
    private let descriptor: Int32

    private static let prefix = "millrace-worker-"
    private static let maximumTries = 20

    /// - Throws: `CommandFailure` when none can be made in `parent`.
    init(in parent: String = FileManager.default.temporaryDirectory.path) throws {
        Self.removeAbandoned(in: parent)
        // Another worker that starts may find the folder before it is locked.
        for _ in 0..<Self.maximumTries {
            var name = Array("\(parent)/\(Self.prefix)XXXXXX".utf8CString)
            guard mkdtemp(&name) != nil else { break }
            let path = String(decoding: name.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
            guard let descriptor = Self.locked(path) else { continue }
            (self.path, self.descriptor) = (path, descriptor)
            return
        }
        throw CommandFailure(
            "no folder can be made and locked in \(parent): \(String(cString: strerror(errno)))",
            hint: "name one with --data, or another place for it with TMPDIR"
        )
    }

    deinit { close(descriptor) }

    func remove() { try? FileManager.default.removeItem(atPath: path) }

    private static func removeAbandoned(in parent: String) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? []
        for name in names where name.hasPrefix(prefix) {
            guard let descriptor = locked("\(parent)/\(name)") else { continue }
            // Others' folders may not be removable; they are theirs to clear away.
            try? FileManager.default.removeItem(atPath: "\(parent)/\(name)")
            close(descriptor)
        }
    }

    /// - Returns: `nil` when another process has it, or has removed it.
    private static func locked(_ path: String) -> Int32? {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        if flock(descriptor, LOCK_EX | LOCK_NB) == 0, access(path, F_OK) == 0 { return descriptor }
        close(descriptor)
        return nil
    }
}
