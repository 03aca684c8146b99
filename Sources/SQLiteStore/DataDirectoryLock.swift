import FileLocking
package import Foundation

/// The right to serve a data directory, held by at most one process of the machine.
///
/// It is a lock on the file `millrace.lock`, which the kernel takes back when the process dies in whatever way. The file
/// tells who holds it; what a dead holder wrote there means nothing once the lock is free.
package final class DataDirectoryLock: Sendable {
    package static let fileName = "millrace.lock"
    private static let lockWait = Duration.milliseconds(250)

    private let descriptor: Int32
    private let path: String
    private let since: Date

    /// Takes the lock, and creates the directory when missing.
    ///
    /// - Throws: `DataDirectoryInUse` naming the holder, or `DataDirectoryUnusable`.
    package init(directory: String) throws {
        path = Self.path(in: directory)
        since = Date()
        try DataDirectory.make(at: directory)
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw DataDirectoryUnusable(path: path, reason: Self.errorText()) }
        // From here on an error closes the file through deinit.
        guard FileLock.take(descriptor, within: Self.lockWait) == 0 else {
            throw DataDirectoryInUse(directory: directory, holder: try? Self.readHolder(at: path))
        }
        try write(address: nil)
    }

    /// Gives the lock back.
    deinit {
        FileLock.release(descriptor)
        close(descriptor)
    }

    /// Lets commands find the running host.
    ///
    /// - Parameter address: The endpoint's URL, such as `http://127.0.0.1:4600`.
    package func publish(address: String) throws {
        try write(address: address)
    }

    /// Who serves the directory now; `nil` when nobody does.
    package static func holder(of directory: String) throws -> Holder? {
        let path = path(in: directory)
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            guard errno != ENOENT, errno != ENOTDIR else { return nil }
            throw DataDirectoryUnusable(path: path, reason: errorText())
        }
        defer { close(descriptor) }
        // A shared lock, given back at once: only a holder's exclusive one refuses it.
        guard flock(descriptor, LOCK_SH | LOCK_NB) != 0 else {
            FileLock.release(descriptor)
            return nil
        }
        return try readHolder(at: path)
    }

    private static func path(in directory: String) -> String {
        URL(fileURLWithPath: directory).appendingPathComponent(fileName).path
    }

    private func write(address: String?) throws {
        let holder = Holder(
            processID: getpid(),
            host: ProcessInfo.processInfo.hostName,
            since: since,
            address: address
        )
        var line = try Holder.encoder.encode(holder)
        line.append(UInt8(ascii: "\n"))
        // One write of a longer text over a shorter one: a reader never sees an empty file.
        let written = line.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
        guard written == line.count, ftruncate(descriptor, off_t(line.count)) == 0 else {
            throw DataDirectoryUnusable(path: path, reason: Self.errorText())
        }
    }

    private static func readHolder(at path: String) throws -> Holder {
        let line = try Data(contentsOf: URL(fileURLWithPath: path)).prefix { $0 != UInt8(ascii: "\n") }
        return try Holder.decoder.decode(Holder.self, from: line)
    }

    private static func errorText() -> String { String(cString: strerror(errno)) }
}

extension DataDirectoryLock {
    /// The process that serves a data directory.
    package struct Holder: Hashable, Sendable, Codable, CustomStringConvertible {
        package let processID: Int32
        package let host: String
        /// In whole seconds.
        package let since: Date
        /// The endpoint's URL; `nil` until the process listens.
        package let address: String?

        package var description: String {
            let listening = address.map { ", listening on \($0)" } ?? ""
            return "process \(processID) on \(host) since \(since.formatted(.iso8601))\(listening)"
        }

        fileprivate static var encoder: JSONEncoder {
            let encoder = JSONEncoder()
            encoder.dateEncodingStrategy = .iso8601
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return encoder
        }

        fileprivate static var decoder: JSONDecoder {
            let decoder = JSONDecoder()
            decoder.dateDecodingStrategy = .iso8601
            return decoder
        }
    }
}

/// Another process serves the data directory.
package struct DataDirectoryInUse: Error, CustomStringConvertible {
    package let directory: String
    /// `nil` in the moment before the holder has written who it is.
    package let holder: DataDirectoryLock.Holder?

    package var description: String {
        "data directory \(directory) is in use by \(holder?.description ?? "another process")"
    }
}
