import ByteCoding
import Glibc
import HandlerWire
import StreamCore

/// Talks with a Swift plugin: frames on a socket pair, several batches in flight.
final class PluginChannel: HandlerChannel {
    /// Batches in a plugin's socket: enough that it never waits for the host, few enough that little is done twice
    /// after a crash.
    static let depth = 8
    private static let readBytes = 64 << 10
    /// A plugin that never stops writing must not keep the time from being looked at.
    private static let readsPerRound = 16
    /// More than a socket holds, should something that outlived the process go on writing.
    private static let readsAtEnd = 64

    private struct Outgoing {
        let number: UInt64
        let frame: InvocationFrame
        var sent = 0
    }

    private let socket: Descriptor
    private var handlerEnd: Descriptor?
    private var reader = PluginMessageReader()
    private var outgoing: [Outgoing] = []
    /// The invocations in flight that belong to a tumbling window, whose answer is more than done or not.
    private var windows: Set<UInt64> = []
    private var isReady = false
    private var isOpen = true

    init() throws(SystemCallFailure) {
        let pair = try DescriptorPair.sockets()
        socket = pair.host
        handlerEnd = consume pair.handler
        // A whole batch of the usual size fits, so that host and plugin need not take turns for one frame.
        var bytes: Int32 = 1 << 20
        setsockopt(socket.number, SOL_SOCKET, SO_SNDBUF, &bytes, socklen_t(MemoryLayout<Int32>.size))
    }

    var handlerDescriptor: Int32? {
        if handlerEnd == nil { nil } else { handlerEnd?.number }
    }

    func started(_ tree: ProcessTree) {
        handlerEnd = nil
    }

    var nextDue: ContinuousClock.Instant? { nil }

    func appendDescriptors(to set: inout [pollfd]) {
        guard isOpen else { return }
        let events = outgoing.isEmpty ? POLLIN : POLLIN | POLLOUT
        set.append(pollfd(fd: socket.number, events: Int16(events), revents: 0))
    }

    func serve(_ ready: ArraySlice<pollfd>) -> [ChannelEvent] {
        guard let result = ready.first?.revents, result != 0, isOpen else { return [] }
        // Answers first: a plugin that is blocked in writing one does not read.
        let events = result & Int16(POLLIN | POLLHUP | POLLERR) != 0 ? receive(reads: Self.readsPerRound) : []
        if isOpen { flush() }
        return events
    }

    func send(_ invocation: ChannelInvocation) -> [ChannelEvent] {
        guard case .batch(let batch) = invocation.work else {
            preconditionFailure("a pool of plugins takes batches only")
        }
        if batch.window != nil { windows.insert(invocation.number) }
        outgoing.append(
            Outgoing(
                number: invocation.number,
                frame: InvocationFrame(
                    number: invocation.number,
                    records: batch.records,
                    context: batch.context,
                    window: batch.window,
                    timeout: invocation.timeout
                )
            )
        )
        if outgoing.count == 1 { flush() }
        return []
    }

    func hasBegun(_ number: UInt64) -> Bool { !outgoing.contains { $0.number == number && $0.sent == 0 } }

    func drain() -> [ChannelEvent] { isOpen ? receive(reads: Self.readsAtEnd) : [] }

    private func flush() {
        while var first = outgoing.first {
            guard let length = Self.write(first.frame, from: first.sent, to: socket.number) else { return }
            first.sent += length
            if first.sent == first.frame.count {
                outgoing.removeFirst()
            } else {
                outgoing[0] = first
            }
        }
    }

    /// - Returns: `nil` when the socket is full, or closed, which reading will tell.
    private static func write(_ frame: InvocationFrame, from offset: Int, to socket: Int32) -> Int? {
        frame.withSlices { head, entries, data in
            withUnsafeTemporaryAllocation(of: iovec.self, capacity: 3) { vectors in
                var count = 0
                var skip = offset
                for slice in [head, entries, data] {
                    let skipped = min(skip, slice.count)
                    skip -= skipped
                    guard skipped < slice.count, let base = slice.baseAddress else { continue }
                    let start = UnsafeMutableRawPointer(mutating: base + skipped)
                    vectors.initializeElement(
                        at: count,
                        to: iovec(iov_base: start, iov_len: slice.count - skipped)
                    )
                    count += 1
                }
                return SocketWrite.send(UnsafeMutableBufferPointer(rebasing: vectors[..<count]), to: socket)
            }
        }
    }

    private func receive(reads: Int) -> [ChannelEvent] {
        var events: [ChannelEvent] = []
        let descriptor = socket.number
        for _ in 0..<reads where isOpen {
            let isDrained = withUnsafeTemporaryAllocation(byteCount: Self.readBytes, alignment: 1) { buffer in
                let length = recv(descriptor, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT))
                if length > 0 {
                    reader.append(UnsafeRawBufferPointer(rebasing: buffer[..<length]))
                } else if length == 0 || (errno != EAGAIN && errno != EINTR) {
                    isOpen = false
                }
                return length < buffer.count
            }
            guard takeMessages(into: &events) else {
                // Nothing after it can be understood.
                isOpen = false
                return events
            }
            if isDrained { break }
        }
        if !isOpen { events.append(.closed) }
        return events
    }

    /// - Returns: `false` when the plugin broke the protocol, which is then the last event.
    private func takeMessages(into events: inout [ChannelEvent]) -> Bool {
        do {
            while let message = try reader.next() {
                let event = event(for: message)
                events.append(event)
                if case .broken = event { return false }
            }
            return true
        } catch {
            events.append(
                isReady
                    ? .broken(reason: "\(error)")
                    : .startFailed(reason: "the plugin sent \(error): build it again")
            )
            return false
        }
    }

    private func event(for message: PluginMessage) -> ChannelEvent {
        switch message {
        case .hello(let error):
            guard !isReady else { return .broken(reason: "a second hello") }
            if let error { return .startFailed(reason: "the function could not be made: \(error)") }
            isReady = true
            return .ready
        case .answer(let answer):
            let outcome = windows.remove(answer.number) == nil ? answer.outcome : answer.outcomeInWindow
            return .answered(number: answer.number, outcome)
        }
    }
}

extension PluginAnswer {
    fileprivate var outcome: InvocationOutcome {
        switch result {
        case .succeeded: .succeeded
        case .failedFrom(let number): .succeededBefore(number)
        case .failed(let type, let message): .failed(.functionError(type: type, message: message))
        }
    }

    /// The JSON that a Lambda function returns from a tumbling window.
    fileprivate var outcomeInWindow: InvocationOutcome {
        if case .failed = result { return outcome }
        var json = ByteWriter(capacity: 128 + (state?.count ?? 0))
        json.append("{")
        if let state {
            json.append(#""state":"#)
            json.append(state)
            json.append(",")
        }
        json.append(#""batchItemFailures":["#)
        if case .failedFrom(let number) = result {
            json.append(#"{"itemIdentifier":""#)
            json.append(text: number.description)
            json.append(#""}"#)
        }
        json.append("]}")
        return .answered(json.bytes)
    }
}

/// Writing to a socket without signals and without waiting.
enum SocketWrite {
    /// - Returns: How much went out; `nil` when nothing can.
    static func send(_ vectors: UnsafeMutableBufferPointer<iovec>, to socket: Int32) -> Int? {
        var message = msghdr()
        message.msg_iov = vectors.baseAddress
        message.msg_iovlen = vectors.count
        while true {
            let length = sendmsg(socket, &message, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
            if length >= 0 { return length }
            guard errno == EINTR else { return nil }
        }
    }
}
