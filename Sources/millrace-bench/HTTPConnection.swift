import Foundation

#if canImport(Glibc)
    import Glibc
#endif

/// A request that is rendered once and sent many times.
struct HTTPRequest: Sendable {
    fileprivate let bytes: [UInt8]

    static func kinesis(_ operation: String, _ body: [UInt8]) -> HTTPRequest {
        let head = """
            POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-amz-json-1.1\r\n\
            X-Amz-Target: Kinesis_20131202.\(operation)\r\nContent-Length: \(body.count)\r\n\r\n
            """
        return HTTPRequest(bytes: Array(head.utf8) + body)
    }

    static func get(_ path: String) -> HTTPRequest {
        HTTPRequest(bytes: Array("GET \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".utf8))
    }
}

/// One kept-alive connection that does as little as it can: the client shares its cores with the host that is measured.
final class HTTPConnection {
    private let socket: Int32
    private var buffer = [UInt8](repeating: 0, count: 256 * 1024)
    private var body = 0..<0

    init(port: UInt16) throws {
        socket = makeSocket()
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(socket, $0, length) }
        }
        guard result == 0 else { throw BenchFailure("cannot connect to port \(port): error \(errno)") }
        var yes: Int32 = 1
        setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
    }

    deinit { close(socket) }

    /// Sends a request and reads the whole answer; throws for any status but 200.
    func exchange(_ request: HTTPRequest) throws {
        try send(request.bytes)
        var count = 0
        while true {
            count += try receive(at: count)
            guard let bodyStart = headEnd(in: count) else { continue }
            let head = String(decoding: buffer[..<bodyStart], as: UTF8.self)
            body = bodyStart..<bodyStart + (try contentLength(in: head))
            if buffer.count < body.upperBound { buffer += [UInt8](repeating: 0, count: body.upperBound) }
            while count < body.upperBound { count += try receive(at: count) }
            guard head.hasPrefix("HTTP/1.1 200 ") else {
                throw BenchFailure(
                    "the host answered \(head)\(String(decoding: buffer[body], as: UTF8.self))"
                )
            }
            return
        }
    }

    /// Lends the body of the last answer.
    func withBody<Result>(_ use: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try buffer.withUnsafeBytes { try use(UnsafeRawBufferPointer(rebasing: $0[body])) }
    }

    private func send(_ bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { bytes in
            var sent = 0
            while sent < bytes.count {
                let count = write(socket, bytes.baseAddress?.advanced(by: sent), bytes.count - sent)
                guard count > 0 else { throw BenchFailure("the host closed the connection: error \(errno)") }
                sent += count
            }
        }
    }

    private func receive(at offset: Int) throws -> Int {
        if offset == buffer.count { buffer += [UInt8](repeating: 0, count: buffer.count) }
        let count = buffer.withUnsafeMutableBytes { bytes in
            recv(socket, bytes.baseAddress?.advanced(by: offset), bytes.count - offset, 0)
        }
        guard count > 0 else { throw BenchFailure("the host closed the connection: error \(errno)") }
        return count
    }

    private func headEnd(in count: Int) -> Int? {
        buffer.withUnsafeBytes { bytes in
            let head = bytes[..<min(count, 4_096)]
            return head.indices.dropLast(3).first { index in
                bytes[index] == 13 && bytes[index + 1] == 10 && bytes[index + 2] == 13
                    && bytes[index + 3] == 10
            }.map { $0 + 4 }
        }
    }

    private func contentLength(in head: String) throws -> Int {
        for line in head.split(separator: "\r\n") where line.lowercased().hasPrefix("content-length:") {
            if let length = Int(line.drop { $0 != ":" }.dropFirst().drop { $0 == " " }) { return length }
        }
        throw BenchFailure("an answer without Content-Length: \(head)")
    }
}

func makeSocket() -> Int32 {
    #if canImport(Glibc)
        socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    #else
        socket(AF_INET, SOCK_STREAM, 0)
    #endif
}

/// Runs `body` on so many threads at once and gives what each returned; throws the first error.
func onThreads<Value: Sendable>(_ count: Int, _ body: @escaping @Sendable (Int) throws -> Value) throws
    -> [Value]
{
    let results = ThreadResults<Value>(count: count)
    let group = DispatchGroup()
    for index in 0..<count {
        group.enter()
        Thread.detachNewThread {
            results.set(Swift.Result { try body(index) }, at: index)
            group.leave()
        }
    }
    group.wait()
    return try results.values()
}
