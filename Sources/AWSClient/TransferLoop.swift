import CCurl
import Foundation
import Synchronization

/// The thread that carries all transfers of a process out at the same time.
///
/// One for the process: however many requests are in flight, they cost no thread each, and share connections.
///
/// Unchecked: the parts without a lock belong to that thread.
final class TransferLoop: @unchecked Sendable {
    static let shared = TransferLoop()

    /// Open at the same time; what comes beyond them waits.
    ///
    /// A body that is read bit by bit has a connection of its own.
    private static let maximumConnections = 4_096
    /// Kept for the next requests.
    private static let maximumIdleConnections = 256
    /// Handles that are kept for the next transfers.
    private static let maximumIdle = 64
    /// How often the loop looks around without cause.
    private static let idleMilliseconds: Int32 = 60_000
    /// How long the end of the process waits for the thread.
    private static let exitSeconds = 2.0

    private enum Command {
        case begin(HTTPTransfer)
        case cancel(HTTPTransfer)
        case resume(HTTPTransfer)
    }

    private struct State {
        var commands: [Command] = []
        var isRunning = false
        var isEnding = false
    }

    private let state = Mutex(State())
    private let hasEnded = NSCondition()
    private let multi: UnsafeMutableRawPointer?

    private var active: [UnsafeMutableRawPointer: HTTPTransfer] = [:]
    private var idle: [CurlHandle] = []

    private init() {
        multi = CurlHandle.isReady ? curl_multi_init() : nil
        guard let multi else { return }
        millrace_curl_multi_set_number(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, Self.maximumConnections)
        millrace_curl_multi_set_number(multi, CURLMOPT_MAXCONNECTS, Self.maximumIdleConnections)
        // OpenSSL cleans up after itself when the process exits, while this thread may be amid a transfer. What is
        // registered later runs earlier, and OpenSSL's part was registered by `curl_global_init`.
        atexit { TransferLoop.shared.end() }
    }

    func begin(_ transfer: HTTPTransfer) { give(.begin(transfer)) }

    /// Ends the transfer with `CancellationError`, unless it has ended before.
    func cancel(_ transfer: HTTPTransfer) {
        transfer.finish(.failure(CancellationError()))
        give(.cancel(transfer))
    }

    /// There is room again for a body that was paused.
    func resume(_ transfer: HTTPTransfer) { give(.resume(transfer)) }

    private func give(_ command: Command) {
        let (starts, isLost) = state.withLock { state in
            guard multi != nil, !state.isEnding else { return (false, true) }
            state.commands.append(command)
            defer { state.isRunning = true }
            return (!state.isRunning, false)
        }
        if isLost, case .begin(let transfer) = command {
            let reason = multi == nil ? "libcurl could not start" : "the process ends"
            transfer.finish(.failure(HTTPFailure.failed(url: transfer.request.url, reason: reason)))
        }
        if starts {
            let thread = Thread { self.run() }
            thread.name = "http"
            thread.start()
        } else if let multi {
            curl_multi_wakeup(multi)
        }
    }

    private func run() {
        guard let multi else { return }
        while true {
            let (commands, isEnding) = state.withLock { state in
                defer { state.commands = [] }
                return (state.commands, state.isEnding)
            }
            if isEnding { break }
            for command in commands { carryOut(command, multi) }
            var running: Int32 = 0
            curl_multi_perform(multi, &running)
            finishDone(multi)
            curl_multi_poll(multi, nil, 0, Self.idleMilliseconds, nil)
        }
        hasEnded.withLock {
            state.withLock { $0.isRunning = false }
            hasEnded.broadcast()
        }
    }

    private func carryOut(_ command: Command, _ multi: UnsafeMutableRawPointer) {
        switch command {
        case .begin(let transfer):
            // Whoever waited for it may have gone before it began.
            guard !transfer.isOver else { return }
            guard let handle = idle.popLast() ?? CurlHandle() else {
                return transfer.finish(transfer.result(CURLE_FAILED_INIT))
            }
            transfer.prepare(handle, isShared: true)
            active[handle.handle] = transfer
            curl_multi_add_handle(multi, handle.handle)
        case .cancel(let transfer):
            guard let handle = transfer.handle, active[handle.handle] === transfer else { return }
            remove(handle, multi)
        case .resume(let transfer):
            guard let handle = transfer.handle, active[handle.handle] === transfer else { return }
            curl_easy_pause(handle.handle, CURLPAUSE_CONT)
        }
    }

    private func finishDone(_ multi: UnsafeMutableRawPointer) {
        var code = CURLE_OK
        while let done = millrace_curl_multi_next_done(multi, &code) {
            guard let transfer = active[done], let handle = transfer.handle else { continue }
            let result = transfer.result(code)
            remove(handle, multi)
            transfer.finish(result)
        }
    }

    private func remove(_ handle: CurlHandle, _ multi: UnsafeMutableRawPointer) {
        curl_multi_remove_handle(multi, handle.handle)
        active[handle.handle]?.handle = nil
        active[handle.handle] = nil
        if idle.count < Self.maximumIdle { idle.append(handle) }
    }

    /// Stops the thread where it is, for the process ends.
    private func end() {
        state.withLock { $0.isEnding = true }
        if let multi { curl_multi_wakeup(multi) }
        let deadline = Date(timeIntervalSinceNow: Self.exitSeconds)
        hasEnded.withLock {
            while state.withLock(\.isRunning), hasEnded.wait(until: deadline) {}
        }
    }
}
