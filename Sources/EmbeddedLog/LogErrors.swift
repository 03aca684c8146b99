package import StreamCore

/// A system call on a file of the log failed.
///
/// Acknowledged records are not harmed.
package struct LogFileFailure: Error, Hashable, CustomStringConvertible {
    /// What was tried, such as `writing`.
    package let action: String
    package let file: String
    package let errno: Int32

    package init(action: String, file: String, errno: Int32) {
        self.action = action
        self.file = file
        self.errno = errno
    }

    package var description: String { "\(action) \(file) failed: \(SystemFiles.message(of: errno))" }
}

/// A record that was once written whole can no longer be read.
///
/// Nothing behind it is skipped to.
package struct LogCorrupted: Error, Hashable, CustomStringConvertible {
    package let file: String
    /// Where the damaged record or header begins.
    package let offset: Int

    package init(file: String, offset: Int) {
        self.file = file
        self.offset = offset
    }

    package var description: String { "\(file) is damaged at byte \(offset)" }

    /// What an operator can do about it.
    package var hint: String {
        "stop the host and restore the file from a copy, or move it away to give up the records in it"
    }
}

/// A file that describes a stream cannot be understood.
package struct StreamFileMalformed: Error, CustomStringConvertible {
    package let file: String
    package let cause: any Error

    package var description: String { "\(file) does not describe a stream: \(cause)" }
}

package struct StreamExists: Error, Hashable, CustomStringConvertible {
    package let stream: StreamName
    package var description: String { "stream \(stream) exists already" }
}

/// Another process, or another part of this one, has the log open.
package struct LogInUse: Error, Hashable, CustomStringConvertible {
    package let directory: String
    package var description: String { "the log in \(directory) is open elsewhere" }
}

/// The log was closed before the records were stored.
package struct LogClosed: Error, Hashable, CustomStringConvertible {
    package let directory: String
    package var description: String { "the log in \(directory) is closed" }
}
