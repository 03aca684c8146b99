package import GRDB

/// Why SQLite did not carry out a call, in words that say where to look.
package struct SQLiteFailure: Error, Hashable, CustomStringConvertible {
    /// SQLite's primary result code.
    package let code: Int32
    /// SQLite's own message.
    package let message: String

    package init(_ error: DatabaseError) {
        code = error.resultCode.rawValue
        message = error.message ?? "no message"
    }

    package var description: String { "\(reason) (SQLite error \(code): \(message))" }

    private var reason: String {
        switch ResultCode(rawValue: code) {
        case .SQLITE_BUSY, .SQLITE_LOCKED: "another process has it locked"
        case .SQLITE_CANTOPEN, .SQLITE_READONLY, .SQLITE_PERM: "the file or its folder is not writable"
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: "the file is damaged"
        case .SQLITE_FULL: "the disk is full"
        case .SQLITE_IOERR: "reading or writing failed"
        case .SQLITE_MISUSE: "it is closed"
        default: "the statement failed"
        }
    }
}
