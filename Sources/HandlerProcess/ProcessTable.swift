import ByteCoding
import Glibc

/// What the kernel tells about processes, in `/proc`.
enum ProcessTable {
    /// The numbers of all processes.
    static func all() -> [Int32] {
        guard let directory = opendir("/proc") else { return [] }
        defer { closedir(directory) }
        var numbers: [Int32] = []
        while let entry = readdir(directory) {
            let number = withUnsafePointer(to: &entry.pointee.d_name) { name in
                name.withMemoryRebound(to: CChar.self, capacity: 256) { strtol($0, nil, 10) }
            }
            // Names that are not numbers are none.
            if number > 0 { numbers.append(Int32(number)) }
        }
        return numbers
    }

    /// What `/proc/loadavg` says: load averages, then runnable and all entities, then the newest process, such as
    /// `0.20 0.18 0.12 1/80 11206`.
    private static func load() -> [ArraySlice<UInt8>] {
        read("/proc/loadavg").split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }
    }

    /// How many processes and threads the whole system has; 0 when it does not tell.
    static func systemThreads() -> Int {
        let fields = load()
        guard fields.count > 3, let slash = fields[3].firstIndex(of: UInt8(ascii: "/")) else { return 0 }
        return decimal(fields[3][(slash + 1)...])
    }

    /// The number that was given to a process or thread last; `nil` when the system does not tell.
    static func newest() -> Int? {
        let fields = load()
        return fields.count > 4 ? decimal(fields[4]) : nil
    }

    /// A process as the kernel lists it.
    struct Entry {
        let session: Int32
        let threads: Int
        /// In clock ticks since the machine's start: no child has less than its parent.
        let start: Int
        /// Not one that only waits to be reaped.
        let isAlive: Bool
    }

    /// `nil` for a process that is gone.
    static func entry(of pid: Int32) -> Entry? {
        // It comes in one piece.
        let stat = read("/proc/\(pid)/stat", limit: 1)
        // The program's name is in brackets and may hold anything, brackets too.
        guard let end = stat.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let fields = stat[(end + 1)...].split(separator: UInt8(ascii: " "), maxSplits: 20)
        guard fields.count > 19, let state = fields[0].first else { return nil }
        return Entry(
            session: Int32(truncatingIfNeeded: decimal(fields[3])),
            threads: decimal(fields[17]),
            start: decimal(fields[19]),
            isAlive: state != UInt8(ascii: "Z") && state != UInt8(ascii: "X")
        )
    }

    private static func decimal(_ digits: ArraySlice<UInt8>) -> Int {
        digits.reduce(0) { 48...57 ~= $1 ? $0 &* 10 &+ Int($1 - 48) : $0 }
    }

    static func members(ofSession session: Int32) -> [Int32] {
        all().filter { pid in
            guard let entry = entry(of: pid) else { return false }
            return entry.isAlive && entry.session == session
        }
    }

    /// Processes and threads of a session.
    static func threads(ofSession session: Int32) -> Int {
        all().reduce(0) { count, pid in
            guard let entry = entry(of: pid), entry.isAlive, entry.session == session else { return count }
            return count + entry.threads
        }
    }

    /// Whether the process was started with this variable's value, or forked from one that was.
    static func environment(of pid: Int32, contains setting: [UInt8]) -> Bool {
        let environment = read("/proc/\(pid)/environ", limit: 1 << 20)
        return environment.withUnsafeBytes { $0.contains(bytes: setting) }
    }

    /// The most memory that the process has had resident, in bytes; `nil` when it is gone.
    static func peakMemory(of pid: Int32) -> Int? {
        let status = String(decoding: read("/proc/\(pid)/status"), as: UTF8.self)
        guard let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
            let kilobytes = line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap({ Int($0) })
        else { return nil }
        return kilobytes << 10
    }

    /// Whether the process has this socket open.
    static func process(_ pid: Int32, hasSocket inode: String) -> Bool {
        let path = "/proc/\(pid)/fd"
        guard let directory = opendir(path) else { return false }
        defer { closedir(directory) }
        var target = [CChar](repeating: 0, count: 64)
        let wanted = "socket:[\(inode)]"
        while let entry = readdir(directory) {
            let length = withUnsafePointer(to: &entry.pointee.d_name) { name in
                name.withMemoryRebound(to: CChar.self, capacity: 256) { name in
                    readlinkat(dirfd(directory), name, &target, target.count)
                }
            }
            guard length > 0 else { continue }
            if target[..<length].map({ UInt8(bitPattern: $0) }).elementsEqual(wanted.utf8) { return true }
        }
        return false
    }

    /// The inode of the socket at the other end of a loopback connection to `port`.
    static func socketInode(from peerPort: UInt16, to port: UInt16) -> String? {
        // IPv4, and IPv4 inside of IPv6 sockets; addresses are printed in the machine's own byte order.
        for (table, address) in [
            ("/proc/net/tcp", "0100007F"), ("/proc/net/tcp6", "0000000000000000FFFF00000100007F"),
        ] {
            let ends = [peerPort, port].map { "\(address):\(hexadecimal($0))" }.joined(separator: " ")
            let wanted = Array(" \(ends) ".utf8)
            let text = read(table, limit: 64 << 20)
            for line in text.split(separator: UInt8(ascii: "\n")) where line.contains(wanted) {
                let fields = line.split(separator: UInt8(ascii: " "))
                if fields.count > 9 { return String(decoding: fields[9], as: UTF8.self) }
            }
        }
        return nil
    }

    private static func hexadecimal(_ port: UInt16) -> String {
        let digits = String(port, radix: 16, uppercase: true)
        return String(repeating: "0", count: 4 - digits.count) + digits
    }

    /// - Returns: Nothing when it cannot be read: a process may end at any time.
    private static func read(_ path: String, limit: Int = 64 << 10) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var isOver = false
        while !isOver, bytes.count < limit {
            let chunk = [UInt8](unsafeUninitializedCapacity: 8 << 10) { buffer, count in
                count = max(0, Glibc.read(descriptor, buffer.baseAddress, buffer.count))
            }
            isOver = chunk.isEmpty
            bytes += chunk
        }
        return bytes
    }
}
