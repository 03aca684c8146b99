// A custom runtime that answers every invocation and reads nothing of it: what is left is the Runtime API itself.
// With BENCH_SLEEP_MS it takes that long for each.
import Glibc

let sleepMicroseconds =
    getenv("BENCH_SLEEP_MS").flatMap { UInt32(String(cString: $0)) }.map { $0 * 1000 } ?? 0

let batch = Batch()
var connection = Connection(to: getenv("AWS_LAMBDA_RUNTIME_API").map { String(cString: $0) } ?? "")
while true {
    connection.send("GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: runtime\r\n\r\n")
    let invocation = connection.receive()
    let start = Batch.now()
    if sleepMicroseconds > 0 { usleep(sleepMicroseconds) }
    connection.send(
        "POST /2018-06-01/runtime/invocation/\(invocation.requestID)/response HTTP/1.1\r\nHost: runtime\r\n"
            + "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    )
    _ = connection.receive()
    batch.add(from: start)
}

/// What this process has handled, as the benchmark reads it: the plugin's CounterPage without records and samples.
struct Batch {
    private static let bytes = 65_536
    private let words: UnsafeMutablePointer<UInt64>

    init() {
        let path = "\(getenv("BENCH_DIRECTORY").map { String(cString: $0) } ?? ".")/\(getpid()).counters"
        let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0, ftruncate(file, off_t(Self.bytes)) == 0,
            let memory = mmap(nil, Self.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0),
            memory != MAP_FAILED
        else { fail("cannot map \(path)") }
        words = memory.bindMemory(to: UInt64.self, capacity: Self.bytes / 8)
    }

    static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    func add(from start: UInt64) {
        if words[2] == 0 { words[0] = start }
        words[1] = Self.now()
        words[2] += 1
    }
}

/// One kept-alive connection to the Runtime API.
struct Connection {
    private let socket: Int32
    private var buffer = [UInt8](repeating: 0, count: 8 * 1024 * 1024)

    init(to address: String) {
        guard let colon = address.lastIndex(of: ":"),
            let port = UInt16(address[address.index(after: colon)...])
        else {
            fail("AWS_LAMBDA_RUNTIME_API is not HOST:PORT: \(address)")
        }
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var peer = sockaddr_in()
        peer.sin_family = sa_family_t(AF_INET)
        peer.sin_port = port.bigEndian
        peer.sin_addr.s_addr = inet_addr(String(address[..<colon]))
        let length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafePointer(to: &peer) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(socket, $0, length) }
        }
        guard result == 0 else { fail("cannot connect to \(address)") }
        var yes: Int32 = 1
        setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
    }

    func send(_ text: String) {
        var text = text
        let sent = text.withUTF8 {
            Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        guard sent == text.utf8.count else { fail("the host has closed the connection") }
    }

    /// Reads one whole answer and gives what its head says of the invocation.
    mutating func receive() -> (requestID: String, bodyBytes: Int) {
        var count = 0
        while true {
            count += read(at: count)
            guard let headEnd = headEnd(in: count) else { continue }
            let head = String(decoding: buffer[..<headEnd], as: UTF8.self)
            var requestID = ""
            var bodyBytes = 0
            for line in head.split(separator: "\r\n") {
                let field = line.split(separator: ":", maxSplits: 1)
                guard field.count == 2 else { continue }
                let value = field[1].drop { $0 == " " }
                switch field[0].lowercased() {
                case "lambda-runtime-aws-request-id": requestID = String(value)
                case "content-length": bodyBytes = Int(value) ?? 0
                default: break
                }
            }
            while count < headEnd + bodyBytes { count += read(at: count) }
            return (requestID, bodyBytes)
        }
    }

    private mutating func read(at offset: Int) -> Int {
        let received = buffer.withUnsafeMutableBytes { bytes in
            recv(socket, bytes.baseAddress?.advanced(by: offset), bytes.count - offset, 0)
        }
        guard received > 0 else { exit(0) }
        return received
    }

    private func headEnd(in count: Int) -> Int? {
        let end = Array("\r\n\r\n".utf8)
        guard count >= end.count else { return nil }
        return (0...min(count - end.count, 8_192)).first { buffer[$0..<$0 + end.count].elementsEqual(end) }
            .map { $0 + end.count }
    }
}

func fail(_ reason: String) -> Never {
    var line = reason + "\n"
    _ = line.withUTF8 { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    exit(1)
}
