import FileLocking
import Foundation
import GRDB

/// Lets the processes that share a database file use it one at a time.
///
/// SQLite's own locks are safe but not fair: its busy handler waits up to 100 ms between tries, and a process that
/// begins while another commits can be sent into waits that grow with each try (`walTryBeginRead`). Both were
/// measured as stalls of 0.2–1.9 s. So every transaction first takes a lock on a file of its own, and whoever finds it
/// taken asks again after 20–150 µs of random length, about as long as a commit. The kernel takes the lock back from
/// a process that dies.
final class FileTurn: Sendable {
    /// With what each try costs.
    private static let triesPerSecond = 6_000.0
    private static let waitMicroseconds: ClosedRange<UInt32> = 20...150

    private let descriptor: Int32
    private let longestWait: Duration

    /// - Parameter longestWait: About how long a turn is waited for.
    init(path: String, longestWait: Duration) throws {
        self.longestWait = longestWait
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw DataDirectoryUnusable(path: path, reason: String(cString: strerror(errno)))
        }
    }

    deinit {
        close(descriptor)
    }

    /// Takes the turn and starts with what SQLite may refuse because a foreign program has the file locked.
    ///
    /// Pair with `end`, unless this throws.
    /// - Parameter mayWait: Whether the thread may sleep for its turn.
    /// - Throws: `FileLocked` when it is not granted, and whatever else `start` throws.
    func begin<Value>(mayWait: Bool, _ start: () throws -> Value) throws -> Value {
        // Counted, so that a pause of this process is not taken for a wait.
        let maximumTries = Int(longestWait / .seconds(1) * Self.triesPerSecond)
        var tries = 0
        while true {
            if let value = try tryOnce(start) { return value }
            guard mayWait, tries < maximumTries else { throw refusal }
            tries += 1
            usleep(.random(in: Self.waitMicroseconds))
        }
    }

    /// The error of who has waited in vain.
    var refusal: FileLocked { FileLocked(wait: longestWait) }

    func end() {
        FileLock.release(descriptor)
    }

    private func tryOnce<Value>(_ start: () throws -> Value) throws -> Value? {
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { return nil }
        do {
            return try start()
        } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY {
            end()
            return nil
        } catch {
            end()
            throw error
        }
    }
}

/// Another process has the file locked.
package struct FileLocked: Error, Hashable, CustomStringConvertible {
    package let wait: Duration

    package var description: String {
        "another process has kept it locked for \(wait.components.seconds) s"
    }
}
