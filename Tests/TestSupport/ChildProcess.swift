public import Foundation
import Synchronization

private let starting = Mutex(())

extension Process {
    /// Starts the process, one at a time of all tests, with no signal blocked.
    ///
    /// Foundation has a child close what was open when it looked. What another thread opens between that look and the start, the
    /// child has to its own end: it would keep a pipe from ending, and Foundation from noticing that another child has ended.
    public func start() throws {
        // A child inherits the blocked signals of the thread that starts it, and the threads that run tasks block nearly all.
        var none = sigset_t()
        var before = sigset_t()
        sigemptyset(&none)
        try starting.withLock { _ in
            pthread_sigmask(SIG_SETMASK, &none, &before)
            defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
            try run()
        }
    }
}

extension Pipe {
    /// A pipe that only those children have to whom it is given.
    public static func toChild() -> Pipe {
        starting.withLock { _ in
            let pipe = Pipe()
            for file in [pipe.fileHandleForReading, pipe.fileHandleForWriting] {
                _ = fcntl(file.fileDescriptor, F_SETFD, FD_CLOEXEC)
            }
            return pipe
        }
    }
}
