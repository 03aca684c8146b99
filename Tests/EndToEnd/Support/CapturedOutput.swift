import Foundation
import Synchronization
import TestSupport

/// What a child process writes to one of its streams, kept as it comes.
final class CapturedOutput: Sendable {
    private struct State {
        var bytes: [UInt8] = []
        var isComplete = false
    }

    let pipe = Pipe.toChild()
    private let state = Mutex(State())

    var text: String { state.withLock { String(decoding: $0.bytes, as: UTF8.self) } }

    /// Nobody holds the writing end any more.
    var isComplete: Bool { state.withLock(\.isComplete) }

    /// Starts collecting, once the child has its end.
    func collect() {
        // A reader that stops would block the child, so it has a thread of its own.
        Thread.detachNewThread { [self] in
            while true {
                let bytes = [UInt8](pipe.fileHandleForReading.availableData)
                state.withLock { state in
                    state.bytes += bytes
                    state.isComplete = bytes.isEmpty
                }
                if bytes.isEmpty { return }
            }
        }
    }
}
