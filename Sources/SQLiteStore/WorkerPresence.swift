import Foundation
package import StreamCore

/// Shows that a worker's process lives, to the other workers that share a data directory.
///
/// Each worker holds a lock on a file of its own in `workers/`, which the kernel takes back however the
/// process ends. So the leases of a worker that was killed are free at once, without waiting for the failover
/// time.
package final class WorkerPresence: Sendable {
    private let descriptor: Int32
    private let path: String

    /// - Parameter limit: About how long to ask for the lock; others have it for a moment only.
    /// - Throws: `DataDirectoryUnusable` when the file cannot be made or is locked.
    package init(
        of worker: WorkerID,
        directory: String,
        within limit: Duration = .milliseconds(250)
    ) throws {
        let folder = Self.folder(in: directory)
        try DataDirectory.make(at: folder)
        let path = Self.path(of: worker, in: folder)
        descriptor = try Self.lockedFile(path, within: limit)
        self.path = path
    }

    /// Apart from `init`, since a value that was never ours must not remove the file at its end.
    ///
    /// Whoever looks whether the worker lives has the lock for a moment, and may remove the file of one before it: what is
    /// locked must still be what others find there.
    private static func lockedFile(_ path: String, within limit: Duration) throws -> Int32 {
        for _ in 0..<Int(limit / .microseconds(tryMicroseconds)) {
            let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
            guard descriptor >= 0 else {
                throw DataDirectoryUnusable(path: path, reason: String(cString: strerror(errno)))
            }
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0, hasName(descriptor) { return descriptor }
            close(descriptor)
            usleep(tryMicroseconds)
        }
        throw DataDirectoryUnusable(path: path, reason: "another process has the same worker name")
    }

    private static let tryMicroseconds: UInt32 = 1_000

    /// The file has not been removed.
    private static func hasName(_ descriptor: Int32) -> Bool {
        var status = stat()
        return fstat(descriptor, &status) == 0 && status.st_nlink > 0
    }

    deinit {
        unlink(path)
        close(descriptor)
    }

    /// Whether the worker's process has ended for certain.
    ///
    /// Removes what a dead one left behind.
    package static func isDead(_ worker: WorkerID, directory: String) -> Bool {
        let path = path(of: worker, in: folder(in: directory))
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        // Without the file the process ended in an orderly way; any other error tells nothing.
        guard descriptor >= 0 else { return errno == ENOENT }
        defer { close(descriptor) }
        // Only who has the lock removes the file; one that is gone already may have been followed by another's.
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0, hasName(descriptor) else { return false }
        unlink(path)
        return true
    }

    private static func folder(in directory: String) -> String {
        URL(fileURLWithPath: directory).appendingPathComponent("workers").path
    }

    private static func path(of worker: WorkerID, in folder: String) -> String {
        let name = worker.text.replacing("/", with: "_")
        return URL(fileURLWithPath: folder).appendingPathComponent("\(name).lock").path
    }
}
