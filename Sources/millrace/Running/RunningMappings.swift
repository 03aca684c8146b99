import StreamCore
import Synchronization

/// What each mapping is doing now, in words, for those who ask.
final class RunningMappings: Sendable {
    private struct State {
        var mappings: [MappingID: String] = [:]
        var isDraining = false
    }

    private let state = Mutex(State())

    var isDraining: Bool { state.withLock(\.isDraining) }

    func drain() {
        state.withLock { $0.isDraining = true }
    }

    func note(_ text: String?, of mapping: MappingID) {
        state.withLock { $0.mappings[mapping] = text }
    }

    func mappingState(_ mapping: EventSourceMapping) -> String {
        guard mapping.source.isEnabled else { return "disabled" }
        return state.withLock { $0.isDraining ? "draining" : $0.mappings[mapping.id] ?? "starting" }
    }
}
