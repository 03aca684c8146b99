import FileLocking
import Foundation

/// A folder of a worker's own for as long as it runs; when it was killed, the next worker removes it.
///
/// The folder itself is locked, which the kernel undoes however the process ends.
final class WorkerFolder: Sendable {
    let path: String
    private let descriptor: Int32

    private static let prefix = "millrace-worker-"
    /// Tells such a folder from those of the same name that others have made to keep.
    private static let marker = "goes-with-its-worker"
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
            _ = FileManager.default.createFile(atPath: "\(path)/\(Self.marker)", contents: nil)
            (self.path, self.descriptor) = (path, descriptor)
            return
        }
        throw CommandFailure(
            "no folder can be made and locked in \(parent): \(String(cString: strerror(errno)))",
            hint: "name one with --data, or another place for it with TMPDIR"
        )
    }

    deinit {
        FileLock.release(descriptor)
        close(descriptor)
    }

    func remove() { try? FileManager.default.removeItem(atPath: path) }

    private static func removeAbandoned(in parent: String) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? []
        for path in names.filter({ $0.hasPrefix(prefix) }).map({ "\(parent)/\($0)" }) {
            guard access("\(path)/\(marker)", F_OK) == 0, let descriptor = locked(path) else { continue }
            // Those of other users may not be removable; they are theirs to clear away.
            try? FileManager.default.removeItem(atPath: path)
            close(descriptor)
        }
    }

    /// - Returns: `nil` when another process has it, or has removed it.
    private static func locked(_ path: String) -> Int32? {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        if FileLock.take(descriptor, within: .zero) == 0, access(path, F_OK) == 0 { return descriptor }
        close(descriptor)
        return nil
    }
}
