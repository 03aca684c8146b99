import Foundation
import Glibc

/// A request as a server of a test got it.
public struct RawRequest: Sendable {
    public let method: String
    public let path: String
    /// Names are in lower case.
    public let headers: [String: String]
    public let body: String
}

/// What a server of a test does with a request.
public enum RawAnswer: Sendable {
    case reply(status: Int = 200, headers: [String: String] = [:], String)
    /// These bytes, as they are, and then the end of the connection.
    case torn(String)
    /// These bytes and nothing more, until the client has gone.
    case partial(String)
}

/// An HTTP/1.1 server that can also answer wrongly: one thread for each connection, on a free port of this machine.
public func withRawServer<Result>(
    answering answer: @escaping @Sendable (RawRequest) -> RawAnswer,
    _ body: (_ url: String) async throws -> Result
) async throws -> Result {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(listener, $0, length) == 0 && listen(listener, 128) == 0
                && getsockname(listener, $0, &length) == 0
        }
    }
    precondition(isBound, "a free port of this machine can be listened at")
    Thread.detachNewThread {
        while true {
            let connection = accept(listener, nil, nil)
            if connection >= 0 {
                Thread.detachNewThread { serve(connection, answer) }
            } else if errno == EINVAL {
                // It was shut down. Closed by another thread, its number could be that of another test's socket by now.
                close(listener)
                return
            }
        }
    }
    defer { shutdown(listener, Int32(SHUT_RDWR)) }
    return try await body("http://127.0.0.1:\(UInt16(bigEndian: address.sin_port))")
}

private func serve(_ connection: Int32, _ answer: (RawRequest) -> RawAnswer) {
    defer {
        // The end is seen although a process that is just being started may still have the descriptor.
        shutdown(connection, Int32(SHUT_RDWR))
        close(connection)
    }
    var bytes: [UInt8] = []
    while let request = nextRequest(connection, &bytes) {
        switch answer(request) {
        case .reply(let status, let headers, let body):
            let lines = headers.map { "\($0): \($1)\r\n" }.joined()
            guard
                write(
                    "HTTP/1.1 \(status) X\r\nContent-Length: \(body.utf8.count)\r\n\(lines)\r\n\(body)",
                    to: connection
                )
            else { return }
        case .torn(let text):
            _ = write(text, to: connection)
            return
        case .partial(let text):
            _ = write(text, to: connection)
            var byte: UInt8 = 0
            while read(connection, &byte, 1) > 0 {}
            return
        }
    }
}

private func write(_ text: String, to connection: Int32) -> Bool {
    var left = Array(text.utf8)
    while !left.isEmpty {
        let count = send(connection, left, left.count, Int32(MSG_NOSIGNAL))
        guard count > 0 else { return false }
        left.removeFirst(count)
    }
    return true
}

/// - Returns: `nil` when the client has gone.
private func nextRequest(_ connection: Int32, _ bytes: inout [UInt8]) -> RawRequest? {
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
        if let (request, length) = request(in: bytes) {
            bytes.removeFirst(length)
            return request
        }
        let count = read(connection, &chunk, chunk.count)
        guard count > 0 else { return nil }
        bytes += chunk[..<count]
    }
}

private func request(in bytes: [UInt8]) -> (RawRequest, length: Int)? {
    let end = Array("\r\n\r\n".utf8)
    guard let head = (0..<max(0, bytes.count - 3)).first(where: { Array(bytes[$0..<$0 + 4]) == end }) else {
        return nil
    }
    let lines = String(decoding: bytes[..<head], as: UTF8.self).components(separatedBy: "\r\n")
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
        guard let colon = line.firstIndex(of: ":") else { continue }
        headers[line[..<colon].lowercased()] = line[line.index(after: colon)...].trimmingCharacters(
            in: .whitespaces
        )
    }
    let length = head + 4 + (headers["content-length"].flatMap { Int($0) } ?? 0)
    guard bytes.count >= length else { return nil }
    let words = lines[0].split(separator: " ").map(String.init)
    let body = String(decoding: bytes[(head + 4)..<length], as: UTF8.self)
    return (RawRequest(method: words[0], path: words[1], headers: headers, body: body), length)
}
