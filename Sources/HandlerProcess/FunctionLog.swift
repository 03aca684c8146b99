import Foundation
import Logging
import Synchronization

/// The log of one function: the lines of all its processes in one file.
///
/// The file starts anew at a size limit and the one before it is kept, so that a function's logs take at most
/// twice the limit.
final class FunctionLog: Sendable {
    private struct File {
        var handle: FileHandle?
        var bytes = 0
        var hasFailed = false
    }

    let path: String
    private let previousPath: String
    private let limit: Int
    private let logger: Logger
    private let file = Mutex(File())

    init(directory: String, limit: Int, logger: Logger) {
        path = "\(directory)/function.log"
        previousPath = "\(directory)/function.log.1"
        self.limit = limit
        self.logger = logger
    }

    /// Appends whole lines; a log that cannot be written is reported once, and the function goes on without it.
    func append(_ lines: [UInt8]) {
        guard !lines.isEmpty else { return }
        file.withLock { file in
            do {
                if file.handle == nil { try open(&file) }
                if file.bytes > 0, file.bytes + lines.count > limit { try rotate(&file) }
                try file.handle?.write(contentsOf: lines)
                file.bytes += lines.count
                file.hasFailed = false
            } catch {
                file.handle = nil
                if !file.hasFailed {
                    logger.warning(
                        "function log not written",
                        metadata: ["file": "\(path)", "error": "\(error)"]
                    )
                }
                file.hasFailed = true
            }
        }
    }

    private func open(_ file: inout File) throws {
        let directory = URL(fileURLWithPath: path).deletingLastPathComponent()
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        if !FileManager.default.fileExists(atPath: path) {
            _ = FileManager.default.createFile(atPath: path, contents: nil)
        }
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        file.bytes = Int(try handle.seekToEnd())
        file.handle = handle
    }

    private func rotate(_ file: inout File) throws {
        try file.handle?.close()
        file.handle = nil
        if FileManager.default.fileExists(atPath: previousPath) {
            try FileManager.default.removeItem(atPath: previousPath)
        }
        try FileManager.default.moveItem(atPath: path, toPath: previousPath)
        try open(&file)
    }
}
