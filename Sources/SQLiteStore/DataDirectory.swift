import Foundation

/// The folder that holds everything a host keeps.
enum DataDirectory {
    /// Creates the folder, and those above it, when missing.
    static func make(at path: String) throws {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw DataDirectoryUnusable(
                path: path,
                reason: "it cannot be made: \(error.localizedDescription)"
            )
        }
    }
}

/// A data directory, or a file in it, cannot be made or written.
package struct DataDirectoryUnusable: Error, Hashable, CustomStringConvertible {
    package let path: String
    package let reason: String
    package var description: String { "data directory \(path) is unusable: \(reason)" }
}
