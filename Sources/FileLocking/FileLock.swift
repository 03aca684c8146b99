import Foundation

/// A lock on an open file that one holder has at a time, of all processes; the kernel takes it back however the holder ends.
package enum FileLock {
    private static let pauseMilliseconds = 1

    /// Asks for the lock until it is granted, and blocks the thread meanwhile.
    ///
    /// Whoever asks for it only to know whether it is held has it for a moment, and so has a child of a holder between fork
    /// and exec: a limit is worth while also where nobody else should have it.
    /// - Parameter limit: About how long to ask.
    /// - Returns: Zero, or the error: `EWOULDBLOCK` when it was another's all the time.
    package static func take(_ descriptor: Int32, within limit: Duration) -> Int32 {
        let tries = max(1, Int(limit / .milliseconds(pauseMilliseconds)))
        for _ in 0..<tries {
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return 0 }
            guard errno == EWOULDBLOCK || errno == EINTR else { return errno }
            usleep(UInt32(pauseMilliseconds) * 1_000)
        }
        return EWOULDBLOCK
    }

    /// Gives the lock back at once.
    ///
    /// Closing the file alone would leave it locked for as long as a child between fork and exec has it open too.
    package static func release(_ descriptor: Int32) {
        flock(descriptor, LOCK_UN)
    }
}
