import Foundation
import StreamCore
import TestSupport
import Testing

@testable import LambdaAPI

/// An archive by hand, so that it can lie.
struct Zip {
    struct File {
        var name: String
        var data: [UInt8] = Array("data".utf8)
        var mode: UInt32 = 0o100644
        var size: Int?
        var checksum: UInt32?
        var localName: String?
        var flags: UInt16 = 0
        var method: UInt16 = 0
        /// What the data becomes when it is unpacked.
        var unpacked: [UInt8]?
    }

    static func archive(_ files: [File], isZip64: Bool = false) -> [UInt8] {
        var bytes: [UInt8] = []
        var directory: [UInt8] = []
        for file in files {
            let offset = bytes.count
            let size = file.size ?? (file.unpacked ?? file.data).count
            let checksum = file.checksum ?? crc(file.unpacked ?? file.data)
            let local = Array((file.localName ?? file.name).utf8)
            let name = Array(file.name.utf8)
            let middle =
                little(file.flags, 2) + little(file.method, 2) + little(0, 4) + little(checksum, 4)
                + little(file.data.count, 4) + little(size, 4)
            bytes += little(0x0403_4B50, 4) + little(20, 2) + middle + little(local.count, 2) + little(0, 2)
            bytes += local + file.data
            directory += little(0x0201_4B50, 4) + little(3 << 8 | 20, 2) + little(20, 2) + middle
            directory += little(name.count, 2) + little(0, 2) + little(0, 2) + little(0, 2) + little(0, 2)
            directory += little(file.mode << 16, 4) + little(offset, 4) + name
        }
        let start = bytes.count
        bytes += directory
        var (count, size, place) = (files.count, directory.count, start)
        if isZip64 {
            let record = bytes.count
            bytes += little(0x0606_4B50, 4) + little(44, 8) + little(45, 2) + little(45, 2) + little(0, 8)
            bytes += little(count, 8) + little(count, 8) + little(size, 8) + little(place, 8)
            bytes += little(0x0706_4B50, 4) + little(0, 4) + little(record, 8) + little(1, 4)
            (count, size, place) = (0xFFFF, 0xFFFF_FFFF, 0xFFFF_FFFF)
        }
        bytes += little(0x0605_4B50, 4) + little(0, 4) + little(count, 2) + little(count, 2)
        return bytes + little(size, 4) + little(place, 4) + little(0, 2)
    }

    private static func little(_ value: some BinaryInteger, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: UInt64(truncatingIfNeeded: value) >> (8 * UInt64($0))) }
    }

    private static func crc(_ bytes: [UInt8]) -> UInt32 {
        var crc: UInt32 = 0xFFFF_FFFF
        for byte in bytes {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
        }
        return ~crc
    }
}

struct ZipTests {
    static let attacks: [(what: String, files: [Zip.File], reason: String)] = [
        ("a parent", [Zip.File(name: "../evil")], "is not a path inside of the function's folder"),
        ("a parent further in", [Zip.File(name: "a/../../evil")], "is not a path inside"),
        ("an absolute path", [Zip.File(name: "/etc/evil")], "is not a path inside"),
        ("a backslash", [Zip.File(name: "..\\evil")], "is not a path inside"),
        ("a zero byte", [Zip.File(name: "a\0b")], "is not a path inside"),
        ("an empty name", [Zip.File(name: "")], "is not a path inside"),
        ("an empty component", [Zip.File(name: "a//b")], "is not a path inside"),
        ("the folder itself", [Zip.File(name: "./")], "is not a path inside"),
        ("a link", [Zip.File(name: "link", mode: 0o120777)], "links and devices are refused"),
        ("a device", [Zip.File(name: "null", mode: 0o020666)], "links and devices are refused"),
        ("a pipe", [Zip.File(name: "pipe", mode: 0o010666)], "links and devices are refused"),
        ("one name twice", [Zip.File(name: "a"), Zip.File(name: "a")], "stands in it twice"),
        ("a file inside of a file", [Zip.File(name: "a"), Zip.File(name: "a/b")], "lies inside of a file"),
        ("a folder over a file", [Zip.File(name: "a/b"), Zip.File(name: "a")], "stands in it twice"),
        ("another name before the data", [Zip.File(name: "a", localName: "b")], "disagree"),
        ("a wrong checksum", [Zip.File(name: "a", checksum: 1)], "checksum"),
        ("an encrypted file", [Zip.File(name: "a", flags: 1)], "is encrypted"),
        ("an unknown method", [Zip.File(name: "a", method: 12)], "method 12"),
        ("two sizes of a stored file", [Zip.File(name: "a", size: 3)], "two sizes"),
        ("a folder with data", [Zip.File(name: "a/")], "has data"),
        ("a name that is too long", [Zip.File(name: String(repeating: "a", count: 256))], "too long"),
        (
            "more data than the size says",
            [Zip.File(name: "a", data: [0x4B, 0x04, 0x02, 0x00], size: 1, method: 8)], "more data"
        ),
        (
            "less data than the size says",
            [Zip.File(name: "a", data: [0x4B, 0x04, 0x02, 0x00], size: 9, method: 8)], "less data"
        ),
        ("damaged data", [Zip.File(name: "a", data: [0xFF, 0xFF], size: 9, method: 8)], "damaged"),
    ]

    @Test(arguments: attacks.indices)
    func `an archive that breaks a rule leaves nothing behind`(index: Int) async throws {
        let attack = Self.attacks[index]
        try await withTemporaryDirectory { directory in
            let store = FunctionCodeStore(directory: directory + "/functions")

            let error = await #expect(throws: InvalidArchive.self, "\(attack.what)") {
                try await store.withCode(Zip.archive(attack.files), of: "f") { _ in
                    Issue.record("\(attack.what) was unpacked")
                }
            }

            #expect(error?.reason.contains(attack.reason) == true, "\(attack.what): \(error?.reason ?? "")")
            let left = FileManager.default.enumerator(atPath: directory)?.allObjects as? [String] ?? []
            #expect(left.allSatisfy { ["functions", "functions/f"].contains($0) }, "\(attack.what): \(left)")
        }
    }

    @Test func `every beginning of an archive is refused, and so is every change of one byte that matters`()
        throws
    {
        let whole = Zip.archive([Zip.File(name: "a/b.txt"), Zip.File(name: "c", mode: 0o100755)])

        for count in 0..<whole.count {
            #expect(throws: InvalidArchive.self) { try ZipArchive(Array(whole[..<count])) }
        }
        var random = SeededRandom()
        print("seed \(random.seed)")
        for _ in 0..<5_000 {
            var bytes = whole
            let place = Int.random(in: 0..<bytes.count, using: &random)
            bytes[place] = UInt8.random(in: 0...255, using: &random)
            // It is read or refused; what is read lies inside of the archive.
            guard let archive = try? ZipArchive(bytes) else { continue }
            for entry in archive.entries {
                #expect(entry.data.upperBound <= bytes.count)
                try? EntryReader(archive: bytes, entry: entry).read { _ in }
            }
        }
    }

    @Test func `files are unpacked with their folders, and only bits of execution are taken over`()
        async throws
    {
        try await withTemporaryDirectory { directory in
            let store = FunctionCodeStore(directory: directory)
            let archive = Zip.archive([
                Zip.File(name: "lib/", data: [], mode: 0o040755),
                Zip.File(name: "lib/a.py"),
                Zip.File(name: "bootstrap", mode: 0o104755),
                Zip.File(name: "Bootstrap"),
            ])

            let folder = try await store.withCode(archive, of: "f") { $0.directory }

            let attributes = try FileManager.default.attributesOfItem(atPath: "\(folder)/bootstrap")
            #expect(attributes[.posixPermissions] as? Int == 0o755)
            let plain = try FileManager.default.attributesOfItem(atPath: "\(folder)/lib/a.py")
            #expect(plain[.posixPermissions] as? Int == 0o644)
            #expect(try String(contentsOfFile: "\(folder)/Bootstrap", encoding: .utf8) == "data")
            #expect(folder.hasPrefix("\(directory)/f/"))
        }
    }

    @Test func `a Zip64 archive is read like any other`() throws {
        let archive = try ZipArchive(Zip.archive([Zip.File(name: "a"), Zip.File(name: "b")], isZip64: true))

        #expect(archive.entries.map(\.path) == ["a", "b"])
    }

    @Test func `a bomb stops at the limit`() async throws {
        try await withTemporaryDirectory { directory in
            let store = FunctionCodeStore(directory: directory, unpackedLimit: 1_000_000)
            let half = [UInt8](repeating: 0, count: 500_001)
            let file = Zip.File(name: "a", data: half)

            await #expect(throws: CodeTooLarge.self) {
                try await store.withCode(
                    Zip.archive([file, Zip.File(name: "b", data: half)]),
                    of: "f"
                ) {
                    _ in
                }
            }
        }
    }

    @Test func `folders that nobody uses are removed, those in use and in hand stay`() async throws {
        try await withTemporaryDirectory { directory in
            let store = FunctionCodeStore(directory: directory)
            let used = try await store.withCode(Zip.archive([Zip.File(name: "used")]), of: "f") {
                $0.directory
            }
            let unused = try await store.withCode(Zip.archive([Zip.File(name: "unused")]), of: "f") {
                $0.directory
            }
            let torn = "\(directory)/g/1234.unfinished"
            try FileManager.default.createDirectory(atPath: torn, withIntermediateDirectories: true)

            try await store.withCode(Zip.archive([Zip.File(name: "in hand")]), of: "f") { code in
                try await store.removeUnused { [used] }
                #expect(FileManager.default.fileExists(atPath: code.directory))
            }

            #expect(FileManager.default.fileExists(atPath: used))
            #expect(!FileManager.default.fileExists(atPath: unused))
            #expect(!FileManager.default.fileExists(atPath: "\(directory)/g"))
        }
    }
}
