import Foundation

#if canImport(Glibc)
    import Glibc
#endif

/// A socket that waits for one client on a free port of this machine.
final class LoopbackListener {
    let port: UInt16
    private let socket: Int32

    init() throws {
        socket = makeSocket()
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) { [socket] pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(socket, address, length) + listen(socket, 1) + getsockname(socket, address, &length)
            }
        }
        port = UInt16(bigEndian: address.sin_port)
        guard result == 0 else { throw BenchFailure("cannot listen: error \(errno)") }
    }

    deinit { close(socket) }

    func accept() throws -> Peer {
        let peer = Foundation.accept(socket, nil, nil)
        guard peer >= 0 else { throw BenchFailure("no client came: error \(errno)") }
        var yes: Int32 = 1
        setsockopt(peer, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
        return Peer(socket: peer)
    }

    /// The client, which sends one request at a time.
    final class Peer {
        private let socket: Int32
        private var buffer = [UInt8](repeating: 0, count: 64 * 1024)

        fileprivate init(socket: Int32) {
            self.socket = socket
        }

        deinit { close(socket) }

        /// Reads one whole request, its body included.
        func readRequest() throws {
            var count = 0
            while true {
                let received = buffer.withUnsafeMutableBytes { bytes in
                    recv(socket, bytes.baseAddress?.advanced(by: count), bytes.count - count, 0)
                }
                guard received > 0 else { throw BenchFailure("the function closed its connection") }
                count += received
                let text = String(decoding: buffer[..<count], as: UTF8.self)
                guard let headEnd = text.range(of: "\r\n\r\n") else { continue }
                let head = text[..<headEnd.lowerBound].lowercased()
                let length = head.firstMatch(of: /content-length: *([0-9]+)/).flatMap { Int($0.1) } ?? 0
                if text[headEnd.upperBound...].utf8.count >= length { return }
            }
        }

        func write(_ bytes: [UInt8]) throws {
            try bytes.withUnsafeBytes { bytes in
                var sent = 0
                while sent < bytes.count {
                    let count = Foundation.write(
                        socket,
                        bytes.baseAddress?.advanced(by: sent),
                        bytes.count - sent
                    )
                    guard count > 0 else { throw BenchFailure("the function closed its connection") }
                    sent += count
                }
            }
        }
    }
}
