import FileLocking
import Glibc

/// Lines at the end of a file that others may append to as well, while they hold its lock.
enum AppendedFile {
    /// Appends a whole line and returns when it is on the disk.
    ///
    /// - Parameter lockWait: How long other writers may hold the file.
    /// - Throws: `FileRefusal`. Nothing of the line is left then, unless the disk refuses that as well.
    static func append(_ line: [UInt8], to path: String, lockWait: Duration) throws(FileRefusal) {
        let existed = access(path, F_OK) == 0
        // Not blocking: opening a pipe without a reader would wait for one.
        let file = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0o600)
        guard file >= 0 else { throw FileRefusal(path, opening: errno) }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { throw FileRefusal(path, "cannot be looked at", errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw FileRefusal(path, "is not a regular file") }
        let refusal = FileLock.take(file, within: lockWait)
        guard refusal == 0 else { throw FileRefusal(path, "is locked by another writer", refusal) }
        defer { FileLock.release(file) }

        let length = lseek(file, 0, SEEK_END)
        guard length >= 0 else { throw FileRefusal(path, "has no end", errno) }
        let bytes = try isTorn(file, length, path) ? [UInt8(ascii: "\n")] + line : line
        do throws(FileRefusal) {
            try write(bytes, to: file, path)
            guard fsync(file) == 0 else { throw FileRefusal(path, "cannot be synced", errno) }
            if !existed { try syncFolder(of: path) }
        } catch {
            // Best effort: what is left would stand on a line of its own.
            _ = ftruncate(file, length)
            throw error
        }
    }

    /// Whether what somebody wrote last has no end.
    private static func isTorn(_ file: Int32, _ length: off_t, _ path: String) throws(FileRefusal) -> Bool {
        guard length > 0 else { return false }
        var last: UInt8 = 0
        guard pread(file, &last, 1, length - 1) == 1 else { throw FileRefusal(path, "cannot be read", errno) }
        return last != UInt8(ascii: "\n")
    }

    private static func write(_ bytes: [UInt8], to file: Int32, _ path: String) throws(FileRefusal) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { bytes in
                Glibc.write(file, bytes.baseAddress.map { $0 + written }, bytes.count - written)
            }
            if count > 0 {
                written += count
            } else if errno != EINTR {
                throw FileRefusal(path, "cannot be written", errno)
            }
        }
    }

    /// A new file's name is on the disk when its folder is.
    private static func syncFolder(of path: String) throws(FileRefusal) {
        let end = path.lastIndex(of: "/") ?? path.startIndex
        let folder = open(
            end == path.startIndex ? "/" : String(path[..<end]),
            O_RDONLY | O_DIRECTORY | O_CLOEXEC
        )
        guard folder >= 0 else { throw FileRefusal(path, "has a folder that cannot be opened", errno) }
        defer { close(folder) }
        guard fsync(folder) == 0 else { throw FileRefusal(path, "has a folder that cannot be synced", errno) }
    }
}

/// A file cannot take a line.
package struct FileRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    package let path: String
    package let reason: String

    init(_ path: String, _ reason: String, _ code: Int32? = nil) {
        self.path = path
        self.reason = code.map { "\(reason): \(String(cString: strerror($0)))" } ?? reason
    }

    init(_ path: String, opening code: Int32) {
        if code == ENOENT {
            self.init(path, "has no folder; make it first")
        } else {
            self.init(path, "cannot be opened", code)
        }
    }

    package var description: String { "\(path) \(reason)" }
}
