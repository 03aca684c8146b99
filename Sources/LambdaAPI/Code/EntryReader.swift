import CZlib

/// Reads an entry's data piece by piece, and holds it against what the directory says of it.
struct EntryReader {
    private static let pieceBytes = 256 * 1024

    let archive: [UInt8]
    let entry: ZipEntry

    /// Hands every piece to `take`, which may stop by throwing.
    ///
    /// - Throws: `InvalidArchive` as soon as there is more data than the directory says, or when there is less, or other.
    func read(_ take: (UnsafeRawBufferPointer) throws -> Void) throws {
        var state = Progress(entry: entry)
        switch entry.method {
        case .stored:
            try archive.withUnsafeBytes { bytes in
                let data = UnsafeRawBufferPointer(rebasing: bytes[entry.data])
                for start in stride(from: 0, to: data.count, by: Self.pieceBytes) {
                    let end = min(start + Self.pieceBytes, data.count)
                    let piece = UnsafeRawBufferPointer(rebasing: data[start..<end])
                    try state.note(piece)
                    try take(piece)
                }
            }
        case .deflated:
            try inflate { piece in
                try state.note(piece)
                try take(piece)
            }
        }
        try state.finish()
    }

    private func inflate(_ take: (UnsafeRawBufferPointer) throws -> Void) throws {
        var stream = z_stream()
        guard millrace_inflate_begin_raw(&stream) == Z_OK else { throw OutOfMemory() }
        defer { inflateEnd(&stream) }
        var output = [UInt8](repeating: 0, count: Self.pieceBytes)
        try archive.withUnsafeBytes { archive in
            let input = UnsafeRawBufferPointer(rebasing: archive[entry.data])
            // zlib does not write through it.
            stream.next_in = UnsafeMutablePointer(
                mutating: input.bindMemory(to: UInt8.self).baseAddress
            )
            stream.avail_in = UInt32(input.count)
            var status = Z_OK
            while status != Z_STREAM_END {
                let produced = output.withUnsafeMutableBytes { room -> Int in
                    stream.next_out = room.bindMemory(to: UInt8.self).baseAddress
                    stream.avail_out = UInt32(room.count)
                    status = CZlib.inflate(&stream, Z_NO_FLUSH)
                    return room.count - Int(stream.avail_out)
                }
                guard status == Z_OK || status == Z_STREAM_END else {
                    throw InvalidArchive("the data of \(ZipEntry.shown(entry.path)) is damaged")
                }
                try output.withUnsafeBytes { try take(UnsafeRawBufferPointer(rebasing: $0[..<produced])) }
            }
            guard stream.avail_in == 0 else {
                throw InvalidArchive("the data of \(ZipEntry.shown(entry.path)) goes on after its end")
            }
        }
    }

    /// zlib has no room for its window.
    private struct OutOfMemory: Error {}

    private struct Progress {
        let entry: ZipEntry
        private var count = 0
        private var checksum: UInt = 0

        init(entry: ZipEntry) { self.entry = entry }

        mutating func note(_ piece: UnsafeRawBufferPointer) throws(InvalidArchive) {
            count += piece.count
            guard count <= entry.size else {
                throw InvalidArchive("\(ZipEntry.shown(entry.path)) has more data than its size says")
            }
            guard let start = piece.bindMemory(to: UInt8.self).baseAddress else { return }
            checksum = crc32(checksum, start, UInt32(piece.count))
        }

        func finish() throws(InvalidArchive) {
            guard count == entry.size else {
                throw InvalidArchive("\(ZipEntry.shown(entry.path)) has less data than its size says")
            }
            guard checksum == UInt(entry.checksum) else {
                throw InvalidArchive("the checksum of \(ZipEntry.shown(entry.path)) is another")
            }
        }
    }
}
