import ByteCoding
import CProcess
import Glibc
import HandlerWire
import StreamCore

/// Serves Lambda's Runtime API to one process, on a port of its own: one batch at a time.
final class LambdaRuntimeChannel: HandlerChannel {
    /// A runtime needs one; some open another one to answer on.
    private static let maximumConnections = 16
    /// How often a connection's owner is looked for before it counts as a stranger's.
    private static let peerLooks = 3
    /// 16 MiB from each connection: more than a response at its limit, should something that outlived the process
    /// go on writing.
    private static let roundsAtEnd = 16

    private let listener: Descriptor
    /// Host and port, as `AWS_LAMBDA_RUNTIME_API` has them.
    let address: String
    private let names: ResourceNames
    /// Stands in every record as the identity that reads the stream.
    private let role: String
    /// Whose connections are served: any other process could take the function's records or answer for it.
    private var owner: ProcessTree?
    private var connections: [RuntimeAPIConnection] = []
    private let acceptPause: Duration
    /// Until then a connection that waits cannot be taken, and polling for it would spin.
    private var acceptsAfter: ContinuousClock.Instant?
    private var current: ChannelInvocation?
    private var isHandedOver = false
    private var isReady = false

    /// - Parameter acceptPause: How long to wait after the host had no descriptor left for a connection.
    init(
        names: ResourceNames,
        role: String? = nil,
        acceptPause: Duration = .milliseconds(100)
    ) throws(SystemCallFailure) {
        self.names = names
        self.acceptPause = acceptPause
        self.role = role ?? names.role("millrace")
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        listener = try Descriptor(socket(AF_INET, type, 0), from: "socket")
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let descriptor = listener.number
        let failed = withUnsafeMutablePointer(to: &name) { name -> StaticString? in
            name.withMemoryRebound(to: sockaddr.self, capacity: 1) { name in
                var length = socklen_t(MemoryLayout<sockaddr_in>.size)
                if bind(descriptor, name, length) != 0 { return "bind 127.0.0.1" }
                if listen(descriptor, Int32(Self.maximumConnections)) != 0 { return "listen" }
                return getsockname(descriptor, name, &length) == 0 ? nil : "getsockname"
            }
        }
        if let failed { throw SystemCallFailure(call: failed, error: errno) }
        address = "127.0.0.1:\(UInt16(bigEndian: name.sin_port))"
    }

    var handlerDescriptor: Int32? { nil }
    func started(_ tree: ProcessTree) { owner = tree }

    var nextDue: ContinuousClock.Instant? { acceptsAfter }

    func appendDescriptors(to set: inout [pollfd]) {
        if let acceptsAfter, acceptsAfter <= .now { self.acceptsAfter = nil }
        // A negative number is passed over.
        let listenerNumber = acceptsAfter == nil ? listener.number : -1
        set.append(pollfd(fd: listenerNumber, events: Int16(POLLIN), revents: 0))
        for connection in connections { set.append(connection.descriptor) }
    }

    func serve(_ ready: ArraySlice<pollfd>) -> [ChannelEvent] {
        for (connection, result) in zip(connections, ready.dropFirst()) where result.revents != 0 {
            connection.serve(result.revents)
        }
        if let listening = ready.first, listening.revents != 0 { accept() }
        return serveRequests()
    }

    func send(_ invocation: ChannelInvocation) -> [ChannelEvent] {
        precondition(current == nil, "a runtime has one invocation at a time")
        current = invocation
        isHandedOver = false
        for connection in connections { connection.keepsResponses = invocation.work.wantsAnswer }
        return dispatch()
    }

    func hasBegun(_ number: UInt64) -> Bool { current?.number != number || isHandedOver }

    func drain() -> [ChannelEvent] {
        var events: [ChannelEvent] = []
        for _ in 0..<Self.roundsAtEnd {
            let mayHaveMore = connections.map { $0.receive() }.contains(true)
            events += serveRequests()
            if !mayHaveMore { break }
        }
        return events
    }

    private func accept() {
        // So many at a time, that somebody who connects again and again keeps no answer from being read.
        for _ in 0..<Self.maximumConnections {
            do throws(SystemCallFailure) {
                let socket = try Descriptor(millrace_accept(listener.number), from: "accept4")
                guard connections.count < Self.maximumConnections, isOwn(socket) else { continue }
                let connection = RuntimeAPIConnection(socket: socket)
                connection.keepsResponses = current?.work.wantsAnswer ?? false
                connections.append(connection)
            } catch {
                let isOver = [EAGAIN, EINTR, ECONNABORTED].contains(error.error)
                // Out of descriptors or memory: the listener stays readable.
                if !isOver { acceptsAfter = .now + acceptPause }
                return
            }
        }
    }

    /// Whether the other end belongs to the process or to what it has started.
    private func isOwn(_ socket: borrowing Descriptor) -> Bool {
        guard let owner, let peer = Self.port(socket.number, getpeername),
            let own = Self.port(socket.number, getsockname)
        else { return false }
        // The kernel's table is read in parts and can miss an entry while others come and go around it; a process
        // is missed in the same way.
        return (0..<Self.peerLooks).contains { _ in
            guard let inode = ProcessTable.socketInode(from: peer, to: own) else { return false }
            return owner.owns(socket: inode)
        }
    }

    private static func port(
        _ descriptor: Int32,
        _ call: (Int32, UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
    ) -> UInt16? {
        var name = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &name) { name in
            name.withMemoryRebound(to: sockaddr.self, capacity: 1) { call(descriptor, $0, &length) }
        }
        return result == 0 ? UInt16(bigEndian: name.sin_port) : nil
    }

    private func serveRequests() -> [ChannelEvent] {
        var events: [ChannelEvent] = []
        for connection in connections {
            while let request = connection.nextRequest() { serve(request, on: connection, &events) }
        }
        connections.removeAll { !$0.isOpen }
        return events + dispatch()
    }

    private func serve(
        _ request: RuntimeAPIRequest,
        on connection: RuntimeAPIConnection,
        _ events: inout [ChannelEvent]
    ) {
        switch request.route {
        case .next:
            if !isReady { events.append(.ready) }
            isReady = true
        case .response(let id):
            finish(id, request, on: connection, &events, with: outcome(ofResponse: request))
        case .error(let id):
            let outcome = Self.outcome(ofError: request)
            finish(id, request, on: connection, &events, with: outcome, errorBody: request.body)
        case .initError:
            connection.answer(status: 202)
            let error = FunctionErrorBody(request)
            if !isReady { events.append(.startFailed(reason: "\(error.errorType): \(error.errorMessage)")) }
        case .unknown: connection.answer(status: 404)
        case .wrongMethod: connection.answer(status: 405)
        }
    }

    private func finish(
        _ id: String,
        _ request: RuntimeAPIRequest,
        on connection: RuntimeAPIConnection,
        _ events: inout [ChannelEvent],
        with outcome: InvocationOutcome,
        errorBody: [UInt8]? = nil
    ) {
        guard let current, isHandedOver, current.work.requestID == id else {
            connection.answer(status: 400, message: "request \(id) is not in flight")
            if isHandedOver {
                events.append(
                    .broken(reason: "an answer to request \(id.prefix(64)), which is not in flight")
                )
            }
            return
        }
        let isTooLarge = request.bodyBytes > RuntimeAPIRequestParser.maximumBodyBytes
        connection.answer(status: isTooLarge ? 413 : 202)
        self.current = nil
        isHandedOver = false
        events.append(.answered(number: current.number, outcome, errorBody: errorBody))
    }

    private func outcome(ofResponse request: RuntimeAPIRequest) -> InvocationOutcome {
        let limit = RuntimeAPIRequestParser.maximumBodyBytes
        let bytes = request.bodyBytes
        guard bytes > limit else {
            return current?.work.wantsAnswer == true ? .answered(request.body) : .succeeded
        }
        let message =
            "Response payload size (\(bytes) bytes) exceeded maximum allowed payload size (\(limit) bytes)."
        return .failed(.functionError(type: "Function.ResponseSizeTooLarge", message: message))
    }

    private static func outcome(ofError request: RuntimeAPIRequest) -> InvocationOutcome {
        let error = FunctionErrorBody(request)
        return .failed(.functionError(type: error.errorType, message: error.errorMessage))
    }

    /// Sends the invocation that waits to a connection that waits.
    private func dispatch() -> [ChannelEvent] {
        guard let current, !isHandedOver, let connection = connections.first(where: \.isParked) else {
            return []
        }
        let bytes = connection.hand(current, write: eventWriter(for: current.work))
        guard bytes > LambdaEventWriter.maximumEventBytes else {
            isHandedOver = true
            return []
        }
        self.current = nil
        let failure = HandlerFailure.payloadTooLarge(bytes: bytes, limit: LambdaEventWriter.maximumEventBytes)
        return [.answered(number: current.number, .failed(failure))]
    }

    private func eventWriter(for work: Work) -> (inout ByteWriter) -> Void {
        switch work {
        case .payload(let invocation): return { $0.append(invocation.payload) }
        case .batch(let invocation):
            let event = LambdaEventWriter(
                streamARN: invocation.context.streamARN,
                shard: invocation.context.shard,
                region: names.region,
                invokeIdentityARN: role
            )
            return { event.write(invocation.records, window: invocation.window, to: &$0) }
        }
    }
}
