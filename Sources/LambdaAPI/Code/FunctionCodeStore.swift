import ByteCoding
import Crypto
import Dispatch
import Foundation
import StreamCore
import Synchronization

/// Functions' code as it was uploaded, unpacked: a folder `NAME/SHA256` for each archive.
///
/// A folder is there whole or not at all, whenever the machine stops, and stays as long as somebody uses it.
package final class FunctionCodeStore: Sendable {
    /// Of an archive, as Lambda takes it directly.
    package static let maximumArchiveBytes = 50 * 1024 * 1024
    /// Of all its files.
    package static let maximumUnpackedBytes = 250 * 1024 * 1024

    private let directory: String
    private let unpackedLimit: Int
    /// One archive is unpacked at a time, off the threads that serve.
    private let queue = DispatchQueue(label: "function code")
    /// Folders that an upload has in hand and the registry does not know yet.
    private let pins = Mutex<[String: Int]>([:])

    /// - Parameter directory: Made with the first upload if it is not there.
    package init(directory: String, unpackedLimit: Int = FunctionCodeStore.maximumUnpackedBytes) {
        self.unpackedLimit = unpackedLimit
        self.directory = URL(fileURLWithPath: directory).standardizedFileURL.path
    }

    /// Lends the unpacked archive to `register`, which gives it to the registry; until that returns it is not removed.
    ///
    /// The same archive again is the same folder.
    func withCode<Result: Sendable>(
        _ archive: [UInt8],
        of function: FunctionName,
        _ register: (StoredCode) async throws -> Result
    ) async throws -> Result {
        let digest = Array(SHA256.hash(data: archive))
        let hexadecimal = digest.map { String(UInt16($0) + 0x100, radix: 16).dropFirst() }.joined()
        let folder = "\(directory)/\(function)/\(hexadecimal)"
        pins.withLock { $0[folder, default: 0] += 1 }
        defer { unpin(folder) }
        try await onQueue { [self] in try unpack(archive, to: folder) }
        let code = UploadedCode(sha256: Base64.encode(digest), bytes: archive.count)
        return try await register(StoredCode(directory: folder, code: code))
    }

    /// Checks an archive as an upload does, and keeps nothing.
    func check(_ archive: [UInt8]) async throws -> UploadedCode {
        try await onQueue { [self] in
            let archive = try ZipArchive(archive)
            var budget = unpackedLimit
            for entry in archive.entries where !entry.isFolder {
                try EntryReader(archive: archive.bytes, entry: entry).read { piece in
                    try spend(piece.count, of: &budget)
                }
            }
        }
        return UploadedCode(
            sha256: Base64.encode(Array(SHA256.hash(data: archive))),
            bytes: archive.count
        )
    }

    /// Removes the folders that neither the registry nor an upload needs, and what a crash left half done.
    ///
    /// Call it when no process runs from code that was replaced: at the start, and after its processes have ended.
    ///
    /// - Parameter inUse: Asked anew, so that it knows every upload that has ended.
    package func removeUnused(inUse: @Sendable () async throws -> Set<String>) async throws {
        // Folders first: one that comes later is not looked at.
        let folders = try await onQueue { [directory] in Self.folders(in: directory) }
        let pinned = Set(pins.withLock { Array($0.keys) })
        let used = try await inUse()
        let unused = folders.filter { !used.contains($0) && !pinned.contains($0) }
        guard !unused.isEmpty else { return }
        try await onQueue { [self] in
            for folder in unused {
                // An upload may have come for it meanwhile, and waits on this queue.
                guard pins.withLock({ $0[folder] == nil }) else { continue }
                guard FileManager.default.fileExists(atPath: folder) else { continue }
                try FileManager.default.removeItem(atPath: folder)
                // Fails, as it should, for a function that has other code.
                rmdir(URL(fileURLWithPath: folder).deletingLastPathComponent().path)
            }
        }
    }

    private func unpin(_ folder: String) {
        pins.withLock { pins in
            let count = (pins[folder] ?? 1) - 1
            pins[folder] = count > 0 ? count : nil
        }
    }

    private func onQueue<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws
        -> Value
    {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result { try work() }) }
        }
    }

    private static func folders(in directory: String) -> [String] {
        let files = FileManager.default
        let functions = (try? files.contentsOfDirectory(atPath: directory)) ?? []
        return functions.flatMap { function in
            let folders = (try? files.contentsOfDirectory(atPath: "\(directory)/\(function)")) ?? []
            return folders.map { "\(directory)/\(function)/\($0)" }
        }
    }
}

/// An archive that lies unpacked in its folder.
struct StoredCode: Sendable {
    let directory: String
    let code: UploadedCode
}

extension FunctionCodeStore {
    private func unpack(_ bytes: [UInt8], to folder: String) throws {
        guard !FileManager.default.fileExists(atPath: folder) else { return }
        let archive = try ZipArchive(bytes)
        guard !archive.entries.isEmpty else { throw InvalidArchive("it is empty") }
        // The name alone cannot be that of code, so what a crash leaves is known for what it is.
        let unfinished = "\(folder).unfinished"
        try? FileManager.default.removeItem(atPath: unfinished)
        try FileManager.default.createDirectory(atPath: unfinished, withIntermediateDirectories: true)
        do {
            try write(archive, to: unfinished)
            try CodeFile.move(unfinished, to: folder)
        } catch {
            try? FileManager.default.removeItem(atPath: unfinished)
            throw error
        }
    }

    private func write(_ archive: ZipArchive, to folder: String) throws {
        var budget = unpackedLimit
        var folders: Set<String> = [folder]
        for entry in archive.entries {
            let path = "\(folder)/\(entry.path)"
            let parent = entry.isFolder ? path : String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)])
            if !folders.contains(parent) {
                try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
                var made = parent[...]
                while folders.insert(String(made)).inserted, let slash = made.lastIndex(of: "/") {
                    made = made[..<slash]
                }
            }
            guard !entry.isFolder else { continue }
            try CodeFile.create(path, isExecutable: entry.isExecutable) { file in
                try EntryReader(archive: archive.bytes, entry: entry).read { piece in
                    try spend(piece.count, of: &budget)
                    try file.write(piece)
                }
            }
        }
        // Names are on disk when their folders are.
        for folder in folders { try CodeFile.synchronize(folder) }
    }

    private func spend(_ count: Int, of budget: inout Int) throws(CodeTooLarge) {
        budget -= count
        guard budget >= 0 else { throw CodeTooLarge(limit: unpackedLimit) }
    }
}

/// The files of an archive pass the limit together.
struct CodeTooLarge: Error, Hashable {
    let limit: Int
}
