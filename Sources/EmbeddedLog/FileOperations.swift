/// The calls that bring records to the disk.
///
/// Replaced in tests by some that fail.
package struct FileOperations: Sendable {
    /// Writes all the buffers in order from `offset` on; some of them may have been written when it throws.
    package typealias Write =
        @Sendable (
            _ descriptor: Int32, _ buffers: [UnsafeRawBufferPointer], _ offset: Int, _ path: String
        ) throws(LogFileFailure) -> Void

    /// Returns when everything written to the file survives a power cut.
    package typealias Sync = @Sendable (_ descriptor: Int32, _ path: String) throws(LogFileFailure) -> Void

    /// Returns when the directory's entries survive a power cut.
    package typealias SyncDirectory = @Sendable (_ path: String) throws(LogFileFailure) -> Void

    package var write: Write
    package var sync: Sync
    /// For the folders of streams.
    package var syncDirectory: SyncDirectory = { path throws(LogFileFailure) in
        try SystemFiles.syncDirectory(path)
    }

    package init(write: @escaping Write, sync: @escaping Sync) {
        self.write = write
        self.sync = sync
    }

    package static let system = FileOperations(
        write: { descriptor, buffers, offset, path throws(LogFileFailure) in
            try SystemFiles.write(descriptor, buffers, at: offset, path: path)
        },
        sync: { descriptor, path throws(LogFileFailure) in try SystemFiles.sync(descriptor, path: path) }
    )
}
