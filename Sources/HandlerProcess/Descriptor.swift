import CProcess
import Glibc

/// A file descriptor that is closed at the end of its life.
struct Descriptor: ~Copyable, Sendable {
    let number: Int32

    /// - Throws: When `number` is negative, as a failed call returns it.
    init(_ number: Int32, from call: StaticString) throws(SystemCallFailure) {
        guard number >= 0 else { throw SystemCallFailure(call: call, error: errno) }
        self.number = number
    }

    deinit {
        close(number)
    }

    func makeNonBlocking() {
        _ = fcntl(number, F_SETFL, fcntl(number, F_GETFL) | O_NONBLOCK)
    }
}

/// A pipe or a pair of sockets.
struct DescriptorPair: ~Copyable {
    let host: Descriptor
    let handler: Descriptor

    private init(host: consuming Descriptor, handler: consuming Descriptor) {
        self.host = host
        self.handler = handler
    }

    /// A pipe that the handler writes to; the host reads without blocking.
    static func pipe() throws(SystemCallFailure) -> DescriptorPair {
        var ends: [Int32] = [-1, -1]
        let result = millrace_pipe(&ends)
        guard result == 0 else { throw SystemCallFailure(call: "pipe2", error: errno) }
        let host = try Descriptor(ends[0], from: "pipe2")
        let handler = try Descriptor(ends[1], from: "pipe2")
        host.makeNonBlocking()
        return DescriptorPair(host: host, handler: handler)
    }

    /// Two connected sockets; the host's does not block.
    static func sockets() throws(SystemCallFailure) -> DescriptorPair {
        var ends: [Int32] = [-1, -1]
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let result = socketpair(AF_UNIX, type, 0, &ends)
        guard result == 0 else { throw SystemCallFailure(call: "socketpair", error: errno) }
        let host = try Descriptor(ends[0], from: "socketpair")
        let handler = try Descriptor(ends[1], from: "socketpair")
        host.makeNonBlocking()
        return DescriptorPair(host: host, handler: handler)
    }
}

/// A system call that did not do what it was asked.
struct SystemCallFailure: Error, Hashable, CustomStringConvertible {
    let call: String
    let error: Int32

    init(call: StaticString, error: Int32) {
        self.call = call.description
        self.error = error
    }

    var description: String { "\(call): \(String(cString: strerror(error)))" }
}
