import FileLocking

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The system calls that the log makes.
///
/// Each throws what failed on which file.
enum SystemFiles {
    /// Most buffers that one `pwritev` takes.
    static let maximumBuffers = 1024

    static func open(_ path: String, creating: Bool = false, writing: Bool = true) throws(LogFileFailure)
        -> Int32
    {
        let access = (writing ? O_RDWR : O_RDONLY) | O_CLOEXEC | (creating ? O_CREAT | O_EXCL : 0)
        return try check("opening", path) { systemOpen(path, access, 0o644) }
    }

    static func close(_ descriptor: Int32) {
        _ = systemClose(descriptor)
    }

    /// Fills the buffer from `offset` on.
    ///
    /// - Returns: The number of bytes read; less than asked for only at the end of the file.
    static func read(
        _ descriptor: Int32,
        into buffer: UnsafeMutableRawBufferPointer,
        at offset: Int,
        path: String
    ) throws(LogFileFailure) -> Int {
        var filled = 0
        while filled < buffer.count {
            let count = try check("reading", path) {
                pread(
                    descriptor,
                    buffer.baseAddress.map { $0 + filled },
                    buffer.count - filled,
                    off_t(offset + filled)
                )
            }
            if count == 0 { break }
            filled += count
        }
        return filled
    }

    /// Writes all the buffers, one after the other, from `offset` on.
    ///
    /// On an error some of them may have been written.
    static func write(
        _ descriptor: Int32,
        _ buffers: [UnsafeRawBufferPointer],
        at offset: Int,
        path: String
    ) throws(LogFileFailure) {
        var vectors = buffers.map {
            iovec(iov_base: UnsafeMutableRawPointer(mutating: $0.baseAddress), iov_len: $0.count)
        }
        var first = 0
        var position = offset
        while first < vectors.count {
            let count = Int32(min(vectors.count - first, maximumBuffers))
            var written = try check("writing", path) {
                vectors.withUnsafeBufferPointer { vectors in
                    pwritev(descriptor, vectors.baseAddress.map { $0 + first }, count, off_t(position))
                }
            }
            position += written
            while first < vectors.count, written >= vectors[first].iov_len {
                written -= vectors[first].iov_len
                first += 1
            }
            if written > 0, let base = vectors[first].iov_base {
                vectors[first] = iovec(iov_base: base + written, iov_len: vectors[first].iov_len - written)
            }
        }
    }

    /// Returns when the file's bytes, and its length, survive a power cut.
    static func sync(_ descriptor: Int32, path: String) throws(LogFileFailure) {
        _ = try check("syncing", path) { fdatasync(descriptor) }
    }

    static func truncate(_ descriptor: Int32, to length: Int, path: String) throws(LogFileFailure) {
        _ = try check("truncating", path) { ftruncate(descriptor, off_t(length)) }
    }

    static func size(_ descriptor: Int32, path: String) throws(LogFileFailure) -> Int {
        var status = stat()
        _ = try check("inspecting", path) { fstat(descriptor, &status) }
        return Int(status.st_size)
    }

    /// Makes the directory's entries survive a power cut.
    static func syncDirectory(_ path: String) throws(LogFileFailure) {
        let descriptor = try check("opening", path) {
            systemOpen(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)
        }
        defer { close(descriptor) }
        _ = try check("syncing", path) { fsync(descriptor) }
    }

    /// - Returns: Whether it did not exist before.
    @discardableResult
    static func makeDirectory(_ path: String) throws(LogFileFailure) -> Bool {
        if mkdir(path, 0o755) == 0 { return true }
        guard errno == EEXIST else { throw LogFileFailure(action: "creating", file: path, errno: errno) }
        return false
    }

    static func rename(_ path: String, to target: String) throws(LogFileFailure) {
        _ = try check("renaming", path) { systemRename(path, target) }
    }

    /// Nothing happens when there is no such file.
    static func remove(_ path: String) throws(LogFileFailure) {
        if unlink(path) == 0 || errno == ENOENT { return }
        throw LogFileFailure(action: "removing", file: path, errno: errno)
    }

    /// The names in a directory, unordered; `nil` when it does not exist.
    static func names(in path: String) throws(LogFileFailure) -> [String]? {
        guard let directory = opendir(path) else {
            if errno == ENOENT { return nil }
            throw LogFileFailure(action: "listing", file: path, errno: errno)
        }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                tuple.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    static func contents(of path: String) throws -> [UInt8] {
        let descriptor = try open(path, writing: false)
        defer { close(descriptor) }
        let size = try size(descriptor, path: path)
        var bytes = [UInt8](repeating: 0, count: size)
        let count = try bytes.withUnsafeMutableBytes { buffer in
            try read(descriptor, into: buffer, at: 0, path: path)
        }
        bytes.removeLast(size - count)
        return bytes
    }

    /// Puts a new file in the place of an old one: whoever opens the path finds the old or the new bytes, never a mixture.
    ///
    /// - Parameter isSynced: Whether the new bytes survive a power cut when this returns.
    static func replaceContents(
        of path: String,
        with bytes: [UInt8],
        isSynced: Bool,
        files: FileOperations = .system
    ) throws {
        let temporary = path + ".new"
        let descriptor = try check("opening", temporary) {
            systemOpen(temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        }
        do {
            defer { close(descriptor) }
            try bytes.withUnsafeBytes { try files.write(descriptor, [$0], 0, temporary) }
            if isSynced { try files.sync(descriptor, temporary) }
        } catch {
            try? remove(temporary)
            throw error
        }
        try rename(temporary, to: path)
        if isSynced { try files.syncDirectory(parent(of: path)) }
    }

    static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return String(path[..<slash])
    }

    private static let lockWait = Duration.milliseconds(250)

    /// Opens a file that only one holder at a time may have open; `closeLocked`, or dying, lets go.
    ///
    /// - Throws: `LogInUse` while another holds it.
    static func openLocked(_ path: String, directory: String) throws -> Int32 {
        let descriptor = try check("opening", path) { systemOpen(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644) }
        guard FileLock.take(descriptor, within: lockWait) == 0 else {
            close(descriptor)
            throw LogInUse(directory: directory)
        }
        return descriptor
    }

    /// Lets go of what `openLocked` opened.
    static func closeLocked(_ descriptor: Int32) {
        FileLock.release(descriptor)
        close(descriptor)
    }

    static func message(of code: Int32) -> String {
        String(cString: strerror(code)) + " (\(code))"
    }

    static let noSuchFile = ENOENT

    private static func check<Value: SignedInteger>(
        _ action: String,
        _ path: String,
        _ call: () -> Value
    ) throws(LogFileFailure) -> Value {
        while true {
            let result = call()
            if result >= 0 { return result }
            let code = errno
            if code != EINTR { throw LogFileFailure(action: action, file: path, errno: code) }
        }
    }
}

// The names that `SystemFiles` also uses for its own functions.
private func systemOpen(_ path: String, _ flags: Int32, _ mode: mode_t) -> Int32 { open(path, flags, mode) }
private func systemClose(_ descriptor: Int32) -> Int32 { close(descriptor) }
private func systemRename(_ path: String, _ target: String) -> Int32 { rename(path, target) }
