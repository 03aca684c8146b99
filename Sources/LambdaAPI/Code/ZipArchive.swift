/// A zip archive in memory: what its central directory says, held against the local headers and the rules for names.
///
/// Nothing of it is believed before it is checked; sizes are held against the data when an entry is read.
struct ZipArchive {
    /// Far more files than any function that fits has.
    static let maximumEntries = 65_000

    let bytes: [UInt8]
    /// In the order of the directory; no two with one path, none inside of a file.
    let entries: [ZipEntry]

    init(_ bytes: [UInt8]) throws(InvalidArchive) {
        let directory = try ZipDirectory(in: bytes)
        guard directory.count <= Self.maximumEntries else {
            throw InvalidArchive(
                "it has \(directory.count) entries, and at most \(Self.maximumEntries) may be"
            )
        }
        self.bytes = bytes
        var reader = ByteReader(bytes, at: directory.start)
        var entries: [ZipEntry] = []
        var tree = EntryTree()
        for _ in 0..<directory.count {
            let entry = try ZipEntry(&reader, directory: directory)
            try tree.insert(entry)
            entries.append(entry)
        }
        self.entries = entries
    }
}

/// Why an archive is not unpacked.
struct InvalidArchive: Error, Hashable, CustomStringConvertible {
    let reason: String

    init(_ reason: String) { self.reason = reason }

    var description: String { reason }
}

/// Where an archive's central directory lies, by the records at its end.
struct ZipDirectory {
    let start: Int
    let end: Int
    let count: Int

    private static let endBytes = 22
    private static let locatorBytes = 20
    private static let maximumCommentBytes = 65_535

    init(in bytes: [UInt8]) throws(InvalidArchive) {
        guard let place = Self.endRecord(in: bytes) else { throw InvalidArchive("it is not a zip archive") }
        var reader = ByteReader(bytes, at: place + 4)
        let disks = (try reader.uint16(), try reader.uint16())
        let countHere = Int(try reader.uint16())
        var count = Int(try reader.uint16())
        var size = Int(try reader.uint32())
        var start = Int(try reader.uint32())
        var limit = place
        let isZip64 = count == 0xFFFF || size == 0xFFFF_FFFF || start == 0xFFFF_FFFF
        if isZip64, let record = try Self.zip64Record(in: bytes, before: place) {
            (count, size, start) = (record.count, record.size, record.start)
            limit = record.place
        } else {
            guard disks == (0, 0), countHere == count else {
                throw InvalidArchive("it is one part of several")
            }
        }
        guard start >= 0, size >= 0, start <= limit, size <= limit - start else {
            throw InvalidArchive("its directory is not where it says")
        }
        self.start = start
        self.count = count
        end = start + size
    }

    /// The last record whose comment ends where the file does.
    private static func endRecord(in bytes: [UInt8]) -> Int? {
        guard bytes.count >= endBytes else { return nil }
        let last = bytes.count - endBytes
        return stride(from: last, through: max(0, last - maximumCommentBytes), by: -1).first { place in
            bytes[place] == 0x50 && bytes[place + 1] == 0x4B && bytes[place + 2] == 5 && bytes[place + 3] == 6
                && Int(bytes[place + 20]) | Int(bytes[place + 21]) << 8 == last - place
        }
    }

    private static func zip64Record(in bytes: [UInt8], before end: Int) throws(InvalidArchive) -> (
        place: Int, count: Int, size: Int, start: Int
    )? {
        guard end >= locatorBytes else { return nil }
        var locator = ByteReader(bytes, at: end - locatorBytes)
        guard try locator.uint32() == 0x0706_4B50 else { return nil }
        _ = try locator.uint32()
        let place = try locator.size64()
        guard try locator.uint32() == 1 else { throw InvalidArchive("it is one part of several") }
        var record = ByteReader(bytes, at: place)
        guard try record.uint32() == 0x0606_4B50 else {
            throw InvalidArchive("its Zip64 record is not where it says")
        }
        record.skip(8 + 2 + 2 + 4 + 4)
        let countHere = try record.size64()
        let count = try record.size64()
        guard countHere == count else { throw InvalidArchive("it is one part of several") }
        return (place, count, try record.size64(), try record.size64())
    }
}

/// Every path that entries take, with the folders they imply.
private struct EntryTree {
    private enum Kind { case file, folder, impliedFolder }
    private var kinds: [String: Kind] = [:]

    mutating func insert(_ entry: ZipEntry) throws(InvalidArchive) {
        var parent = ""
        for component in entry.path.split(separator: "/").dropLast() {
            parent += parent.isEmpty ? component : "/\(component)"
            if kinds[parent] == .file {
                throw InvalidArchive("\(ZipEntry.shown(entry.path)) lies inside of a file")
            }
            if kinds[parent] == nil { kinds[parent] = .impliedFolder }
        }
        let former = kinds[entry.path]
        guard former == nil || (former == .impliedFolder && entry.isFolder) else {
            throw InvalidArchive("\(ZipEntry.shown(entry.path)) stands in it twice")
        }
        kinds[entry.path] = entry.isFolder ? .folder : .file
    }
}
