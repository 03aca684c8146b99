/// A file or folder of an archive, by the central directory.
struct ZipEntry {
    enum Method: UInt16 {
        case stored = 0
        case deflated = 8
    }

    /// Relative, of components that are neither empty nor dots, with slashes between.
    let path: String
    let isFolder: Bool
    let isExecutable: Bool
    let method: Method
    let checksum: UInt32
    /// What the directory says; the data may tell otherwise.
    let size: Int
    /// Where the entry's data lies in the archive.
    let data: Range<Int>

    /// - Parameter reader: At the entry's header in the directory; moved to the next one.
    init(_ reader: inout ByteReader, directory: ZipDirectory) throws(InvalidArchive) {
        guard try reader.uint32() == 0x0201_4B50 else {
            throw InvalidArchive("its directory has fewer entries than it says")
        }
        let system = try reader.uint16() >> 8
        _ = try reader.uint16()
        let flags = try reader.uint16()
        let methodNumber = try reader.uint16()
        reader.skip(4)
        checksum = try reader.uint32()
        var packed = Int(try reader.uint32())
        var unpacked = Int(try reader.uint32())
        let lengths = (Int(try reader.uint16()), Int(try reader.uint16()), Int(try reader.uint16()))
        reader.skip(4)
        let attributes = try reader.uint32()
        var offset = Int(try reader.uint32())
        let name = try reader.slice(lengths.0)
        let extra = try reader.slice(lengths.1)
        reader.skip(lengths.2)
        guard reader.position <= directory.end else { throw InvalidArchive("its directory ends too early") }
        try Self.widen(&unpacked, &packed, &offset, by: Array(extra))

        (path, isFolder) = try Self.checkedPath(name, attributes: attributes, system: system)
        let shown = Self.shown(path)
        guard flags & 0x2041 == 0 else { throw InvalidArchive("\(shown) is encrypted") }
        guard let method = Method(rawValue: methodNumber) else {
            throw InvalidArchive(
                "\(shown) is compressed with method \(methodNumber); stored and deflated entries are unpacked"
            )
        }
        guard !isFolder || unpacked == 0 else { throw InvalidArchive("the folder \(shown) has data") }
        guard method == .deflated || packed == unpacked else {
            throw InvalidArchive("\(shown) is stored with two sizes")
        }
        self.method = method
        size = unpacked
        isExecutable = Self.hasModes(system) && attributes >> 16 & 0o111 != 0
        data = try Self.data(of: name, at: offset, bytes: packed, method: methodNumber, reader, directory)
    }

    /// Zip64: what does not fit its field stands in an extra one, in this order.
    private static func widen(
        _ unpacked: inout Int,
        _ packed: inout Int,
        _ offset: inout Int,
        by extra: [UInt8]
    )
        throws(InvalidArchive)
    {
        let full = 0xFFFF_FFFF
        guard unpacked == full || packed == full || offset == full else { return }
        var reader = ByteReader(extra, at: 0)
        while reader.position + 4 <= extra.count {
            let kind = try reader.uint16()
            let field = try reader.slice(Int(try reader.uint16()))
            guard kind == 1 else { continue }
            var sizes = ByteReader(Array(field), at: 0)
            if unpacked == full { unpacked = try sizes.size64() }
            if packed == full { packed = try sizes.size64() }
            if offset == full { offset = try sizes.size64() }
            return
        }
    }

    /// Where the data lies, by the local header, which must tell the same as the directory.
    private static func data(
        of name: ArraySlice<UInt8>,
        at offset: Int,
        bytes: Int,
        method: UInt16,
        _ archive: ByteReader,
        _ directory: ZipDirectory
    ) throws(InvalidArchive) -> Range<Int> {
        var reader = archive
        reader.skip(offset - reader.position)
        guard try reader.uint32() == 0x0403_4B50 else {
            throw InvalidArchive("an entry is not where the directory says")
        }
        reader.skip(4)
        let localMethod = try reader.uint16()
        reader.skip(16)
        let lengths = (Int(try reader.uint16()), Int(try reader.uint16()))
        // Whoever reads by local headers must find the same files.
        guard try reader.slice(lengths.0) == name, localMethod == method else {
            throw InvalidArchive("an entry and the directory disagree")
        }
        let start = reader.position + lengths.1
        guard bytes >= 0, start <= directory.start, bytes <= directory.start - start else {
            throw InvalidArchive("an entry reaches into the directory")
        }
        return start..<start + bytes
    }
}

// MARK: - Names and kinds

extension ZipEntry {
    private static let maximumPathBytes = 4_000
    private static let maximumComponentBytes = 255
    private static let fileType: UInt32 = 0o100000
    private static let folderType: UInt32 = 0o040000

    /// Unix and macOS keep modes in the attributes' upper half.
    private static func hasModes(_ system: UInt16) -> Bool { system == 3 || system == 19 }

    private static func checkedPath(_ name: ArraySlice<UInt8>, attributes: UInt32, system: UInt16)
        throws(InvalidArchive) -> (path: String, isFolder: Bool)
    {
        guard let text = String(validating: name, as: UTF8.self) else {
            throw InvalidArchive("a name in it is not UTF-8")
        }
        let type = hasModes(system) ? attributes >> 16 & 0o170000 : 0
        guard [0, fileType, folderType].contains(type) else {
            throw InvalidArchive(
                "\(shown(text)) is neither a file nor a folder: links and devices are refused"
            )
        }
        let isFolder = text.hasSuffix("/") || type == folderType
        let path = text.hasSuffix("/") ? String(text.dropLast()) : text
        let components = path.split(separator: "/", omittingEmptySubsequences: false)
        guard text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "\\") }),
            components.allSatisfy({ !["", ".", ".."].contains($0) })
        else { throw InvalidArchive("\(shown(text)) is not a path inside of the function's folder") }
        guard path.utf8.count <= maximumPathBytes,
            components.allSatisfy({ $0.utf8.count <= maximumComponentBytes })
        else { throw InvalidArchive("\(shown(text)) is too long a name") }
        return (path, isFolder)
    }

    /// A name as messages show it: without control characters, and not all of a long one.
    static func shown(_ name: String) -> String {
        let clean = name.unicodeScalars.prefix(200).map { $0.value < 0x20 ? "?" : String($0) }.joined()
        return "\"\(clean)\(name.unicodeScalars.count > 200 ? "…" : "")\""
    }
}
