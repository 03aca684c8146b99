import ByteCoding
import Glibc
import HandlerWire
import StreamCore

/// One connection of a runtime to its Runtime API.
final class RuntimeAPIConnection {
    private static let readBytes = 64 << 10
    /// A runtime that never stops writing must not keep the time from being looked at.
    private static let readsPerRound = 16
    /// What may wait behind a request that has no answer yet: a small pipelined request, not a stream.
    private static let maximumWaitingBytes = 128 << 10
    /// Memory that is kept for the next event; larger events are rare.
    private static let keptBytes = 4 << 20

    private let socket: Descriptor
    private var parser = RuntimeAPIRequestParser()
    private var head = ByteWriter(capacity: 1024)
    private var body = ByteWriter(capacity: 1024)
    private var sent = 0
    private var closesAfterwards = false

    /// It asked for the next invocation and has no answer yet.
    private(set) var isParked = false
    private(set) var isOpen = true
    /// The end of the connection's requests was read; answers may still go out.
    private var isReadable = true

    init(socket: consuming Descriptor) {
        self.socket = socket
        self.socket.makeNonBlocking()
        var on: Int32 = 1
        setsockopt(
            self.socket.number,
            Int32(IPPROTO_TCP),
            TCP_NODELAY,
            &on,
            socklen_t(MemoryLayout<Int32>.size)
        )
    }

    /// Whether somebody wants to see what the function answers.
    var keepsResponses: Bool {
        get { parser.keepsResponses }
        set { parser.keepsResponses = newValue }
    }

    private var outgoingBytes: Int { head.count + body.count - sent }

    /// Everything that was answered has left.
    var isFlushed: Bool { outgoingBytes == 0 }

    var descriptor: pollfd {
        var events = isReadable ? POLLIN : 0
        if !isFlushed { events |= POLLOUT }
        return pollfd(fd: socket.number, events: Int16(events), revents: 0)
    }

    /// Reads and writes what can be.
    func serve(_ result: Int16) {
        if !isReadable, result & Int16(POLLHUP | POLLERR) != 0 {
            // Nobody is left to read the rest of an answer.
            isOpen = false
            return
        }
        if result & Int16(POLLOUT) != 0 { flush() }
        if result & Int16(POLLIN | POLLHUP | POLLERR) != 0 { receive() }
    }

    /// Reads what is there, up to a limit.
    ///
    /// - Returns: Whether there may be more.
    @discardableResult
    func receive() -> Bool {
        let descriptor = socket.number
        for _ in 0..<Self.readsPerRound where isOpen && isReadable {
            let isDrained = withUnsafeTemporaryAllocation(byteCount: Self.readBytes, alignment: 1) { buffer in
                let length = recv(descriptor, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT))
                if length > 0 {
                    parser.append(UnsafeRawBufferPointer(rebasing: buffer[..<length]))
                } else if length == 0 {
                    isReadable = false
                    // A parked runtime that has gone would swallow the next batch; requests that came before
                    // the end are still served.
                    isOpen = !isParked && (!isFlushed || parser.bufferedBytes > 0)
                } else if errno != EAGAIN, errno != EINTR {
                    isOpen = false
                }
                return length < buffer.count
            }
            // Nothing is parsed meanwhile, so that the parser's own limits do not hold.
            if isParked || !isFlushed, parser.bufferedBytes > Self.maximumWaitingBytes { isOpen = false }
            if isDrained { return false }
        }
        return isOpen && isReadable
    }

    /// The next request, once the one before it is answered.
    ///
    /// - Returns: `nil` when there is none. A connection that cannot be understood is answered and closed.
    func nextRequest() -> RuntimeAPIRequest? {
        while isOpen, isFlushed, !isParked {
            do {
                switch try parser.next() {
                case .none:
                    if !isReadable { isOpen = false }
                    return nil
                case .expectsContinue:
                    begin(isKeptAlive: true)
                    head.append(RuntimeAPIResponse.continue)
                    flush()
                case .request(let request):
                    if case .next = request.route { isParked = true }
                    closesAfterwards = !request.isKeptAlive
                    return request
                }
            } catch {
                answer(status: error.status, message: error.reason, isKeptAlive: false)
                return nil
            }
        }
        return nil
    }

    /// Answers a request with its status only.
    func answer(status: Int, message: String? = nil, isKeptAlive: Bool = true) {
        begin(isKeptAlive: isKeptAlive && !closesAfterwards)
        RuntimeAPIResponse.write(status: status, message: message, isKeptAlive: !closesAfterwards, to: &head)
        flush()
    }

    /// Answers the parked request with an invocation.
    ///
    /// - Returns: The bytes of the event. Past the limit nothing was sent and the runtime is still parked.
    func hand(_ invocation: ChannelInvocation, write: (inout ByteWriter) -> Void) -> Int {
        precondition(isParked, "an event goes to a runtime that asked for it")
        begin(isKeptAlive: !closesAfterwards)
        write(&body)
        let bytes = body.count
        guard bytes <= LambdaEventWriter.maximumEventBytes else {
            body = ByteWriter(capacity: 1024)
            return bytes
        }
        isParked = false
        RuntimeAPIResponse.writeInvocation(
            requestID: invocation.work.requestID,
            functionARN: invocation.work.functionARN,
            deadline: UTCTime.milliseconds() + invocation.timeout.milliseconds,
            clientContext: invocation.work.clientContext,
            bodyBytes: bytes,
            isKeptAlive: !closesAfterwards,
            to: &head
        )
        flush()
        return bytes
    }

    private func begin(isKeptAlive: Bool) {
        head.removeAll()
        if body.count > Self.keptBytes { body = ByteWriter(capacity: 1024) } else { body.removeAll() }
        sent = 0
        closesAfterwards = !isKeptAlive
    }

    private func flush() {
        while !isFlushed {
            guard let length = sendOnce() else { break }
            sent += length
        }
        if isFlushed, closesAfterwards, !isParked { isOpen = false }
    }

    private func sendOnce() -> Int? {
        let descriptor = socket.number
        return head.withUnsafeBytes { head in
            body.withUnsafeBytes { body in
                withUnsafeTemporaryAllocation(of: iovec.self, capacity: 2) { vectors in
                    var count = 0
                    var skip = sent
                    for slice in [head, body] {
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
                    return SocketWrite.send(
                        UnsafeMutableBufferPointer(rebasing: vectors[..<count]),
                        to: descriptor
                    )
                }
            }
        }
    }
}
