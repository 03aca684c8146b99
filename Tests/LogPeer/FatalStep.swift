import EmbeddedLog
import Foundation
import Synchronization

/// Kills the process in place of one of the calls that bring something to the disk.
final class FatalStep: Sendable {
    private let step: Int
    private let calls = Mutex(0)

    /// - Parameter step: Which call, counted from 1; a write is carried out by half before.
    init(_ step: Int) {
        self.step = step
    }

    var operations: FileOperations {
        var operations = FileOperations(
            write: { [self] descriptor, buffers, offset, path throws(LogFileFailure) in
                guard isFatal() else {
                    return try FileOperations.system.write(descriptor, buffers, offset, path)
                }
                let half = buffers.first.map { UnsafeRawBufferPointer(rebasing: $0.prefix($0.count / 2)) }
                if let half { try? FileOperations.system.write(descriptor, [half], offset, path) }
                die()
            },
            sync: { [self] descriptor, path throws(LogFileFailure) in
                if isFatal() { die() }
                try FileOperations.system.sync(descriptor, path)
            }
        )
        operations.syncDirectory = { [self] path throws(LogFileFailure) in
            if isFatal() { die() }
            try FileOperations.system.syncDirectory(path)
        }
        return operations
    }

    private func isFatal() -> Bool {
        calls.withLock { count in
            count += 1
            return count == step
        }
    }

    private func die() -> Never {
        kill(getpid(), SIGKILL)
        while true { pause() }
    }
}
