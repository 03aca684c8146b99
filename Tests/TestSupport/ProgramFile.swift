import Foundation
import Glibc

/// Writes a program that can be executed at once.
///
/// A child that another test has forked meanwhile holds the descriptor until its own exec, and the kernel executes nothing that is
/// open for writing.
public func writeProgram(_ text: String, to path: String) async throws {
    try text.write(toFile: path, atomically: false, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
    try await waitUntilClosed(path)
}

/// Waits until no process has the file open for writing.
public func waitUntilClosed(_ path: String) async throws {
    let setLease: Int32 = 1024  // F_SETLEASE, which the module lacks
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
    defer { close(file) }
    // A lease for reading is refused while anybody may write.
    while fcntl(file, setLease, F_RDLCK) != 0, errno == EAGAIN { await Task.yield() }
    _ = fcntl(file, setLease, F_UNLCK)
}
