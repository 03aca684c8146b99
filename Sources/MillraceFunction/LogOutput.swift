import Glibc

/// The process's standard error, which the host captures.
enum LogOutput {
    static func write(_ bytes: [UInt8]) {
        var written = 0
        bytes.withUnsafeBytes { bytes in
            while written < bytes.count {
                let length = Glibc.write(2, bytes.baseAddress.map { $0 + written }, bytes.count - written)
                // Without a reader there is nobody to tell.
                guard length > 0 || errno == EINTR else { return }
                written += max(0, length)
            }
        }
    }
}
