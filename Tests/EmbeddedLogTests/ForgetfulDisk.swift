import EmbeddedLog
import Foundation
import StreamCore
import Synchronization

/// File operations over a kernel that tells one sync only when it could not write pages, and takes them for clean afterwards.
///
/// The files themselves hold everything, as the page cache does; what a power cut would leave is worked out.
final class ForgetfulDisk: Sendable {
    private struct State {
        var dirty: [String: IndexSet] = [:]
        var lost: [String: IndexSet] = [:]
        var failingSyncs = 0
    }

    private let state = Mutex(State())
    /// Called when a sync has failed, before its caller learns of it.
    private let whileFailing: @Sendable () -> Void

    init(whileFailing: @escaping @Sendable () -> Void = {}) {
        self.whileFailing = whileFailing
    }

    func failNextSync() { state.withLock { $0.failingSyncs += 1 } }

    /// Bytes that syncs have passed over although they are not on the disk.
    var lostBytes: Int { state.withLock { $0.lost.values.reduce(0) { $0 + $1.count } } }

    /// Bytes that no sync has been asked for yet.
    var dirtyBytes: Int { state.withLock { $0.dirty.values.reduce(0) { $0 + $1.count } } }

    var operations: FileOperations {
        FileOperations(
            write: { [self] descriptor, buffers, offset, path throws(LogFileFailure) in
                try FileOperations.system.write(descriptor, buffers, offset, path)
                let range = offset..<offset + buffers.reduce(0) { $0 + $1.count }
                state.withLock { state in
                    state.dirty[path, default: IndexSet()].insert(integersIn: range)
                    state.lost[path]?.remove(integersIn: range)
                }
            },
            sync: { [self] _, path throws(LogFileFailure) in
                let isFailing = state.withLock { state in
                    let dirty = state.dirty.removeValue(forKey: path) ?? IndexSet()
                    guard state.failingSyncs > 0 else { return false }
                    state.failingSyncs -= 1
                    state.lost[path, default: IndexSet()].formUnion(dirty)
                    return true
                }
                guard isFailing else { return }
                whileFailing()
                throw LogFileFailure(action: "syncing", file: path, errno: EIO)
            }
        )
    }
}
