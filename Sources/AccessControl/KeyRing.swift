import Synchronization

/// The keys that count now: those of the credentials file as it is.
///
/// The file is looked at for each request, which takes a microsecond: a key that was removed signs nothing any more, and
/// no restart is needed. A changed file that cannot be used leaves the keys as they were.
package final class KeyRing: Sendable {
    private struct State {
        var version: FileVersion?
        var keys: [String: AccessKey]
    }

    private let file: CredentialsFile
    private let changed: @Sendable (Change) -> Void
    private let state: Mutex<State>

    /// What became of a changed file.
    package enum Change: Sendable {
        case read(keyCount: Int)
        /// The keys from before still count.
        case refused(CredentialsUnusable)
    }

    /// - Parameter changed: Told once for each change of the file.
    /// - Throws: `CredentialsUnusable`.
    package init(_ file: CredentialsFile, changed: @escaping @Sendable (Change) -> Void) throws {
        self.file = file
        self.changed = changed
        // The version first: a change in between is then read once more, and never missed.
        let version = FileVersion(path: file.path)
        state = Mutex(State(version: version, keys: Self.byID(try file.read().keys)))
    }

    package func key(_ id: String) -> AccessKey? {
        let (key, change) = state.withLock { state in
            let change = refresh(&state)
            return (state.keys[id], change)
        }
        if let change { changed(change) }
        return key
    }

    private func refresh(_ state: inout State) -> Change? {
        let version = FileVersion(path: file.path)
        guard version != state.version else { return nil }
        state.version = version
        do {
            let keys = try file.read().keys
            state.keys = Self.byID(keys)
            return .read(keyCount: keys.count)
        } catch {
            return .refused(
                error as? CredentialsUnusable ?? CredentialsUnusable(path: file.path, reason: "\(error)")
            )
        }
    }

    private static func byID(_ keys: [AccessKey]) -> [String: AccessKey] {
        Dictionary(keys.map { ($0.id, $0) }) { $1 }
    }
}
