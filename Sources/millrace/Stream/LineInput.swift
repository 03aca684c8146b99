import Foundation

/// A file, or standard input, read piece by piece.
///
/// Reading blocks its task: the command has nothing else to do meanwhile.
struct LineInput {
    private static let pieceBytes = 256 * 1024

    let name: String
    private let handle: FileHandle

    /// - Parameter path: `-` for standard input.
    init(_ path: String) throws {
        if path == "-" {
            name = "standard input"
            handle = .standardInput
        } else {
            name = path
            guard let opened = FileHandle(forReadingAtPath: path) else {
                throw CommandFailure("file \(path) cannot be read: \(String(cString: strerror(errno)))")
            }
            handle = opened
        }
    }

    /// Whether reading now would not have to wait; the end of the input counts as ready.
    var isReady: Bool {
        var descriptor = pollfd(fd: handle.fileDescriptor, events: Int16(POLLIN), revents: 0)
        return poll(&descriptor, 1, 0) != 0
    }

    /// Waits for more.
    ///
    /// - Returns: What there is now, at most 256 KiB; `nil` at the end.
    func readPiece() throws -> Data? {
        var piece = Data(count: Self.pieceBytes)
        while true {
            let count = piece.withUnsafeMutableBytes { read(handle.fileDescriptor, $0.baseAddress, $0.count) }
            if count > 0 { return piece.prefix(count) }
            if count == 0 { return nil }
            guard errno == EINTR else {
                throw CommandFailure("\(name) cannot be read: \(String(cString: strerror(errno)))")
            }
        }
    }
}
