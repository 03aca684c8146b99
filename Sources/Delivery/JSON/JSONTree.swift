/// A whole JSON value, for texts that are read once.
enum JSONTree {
    struct Member {
        let name: String
        let value: JSONTree
    }

    case object([Member])
    case list([JSONTree])
    case string(String)
    /// As it is written.
    case number(String)
    case bool(Bool)
    case null

    /// Of several members with one name the last is kept.
    init(_ text: String) throws(MalformedJSON) {
        var text = text
        let result = text.withUTF8 { bytes -> Result<JSONTree, MalformedJSON> in
            var cursor = JSONCursor(UnsafeRawBufferPointer(bytes))
            do throws(MalformedJSON) {
                let tree = try Self.value(&cursor, depth: 0)
                try cursor.expectEnd()
                return .success(tree)
            } catch {
                return .failure(error)
            }
        }
        self = try result.get()
    }

    private static func value(_ cursor: inout JSONCursor, depth: Int) throws(MalformedJSON) -> JSONTree {
        switch cursor.peek() {
        case UInt8(ascii: "{"): return .object(try members(&cursor, depth: depth))
        case UInt8(ascii: "["): return .list(try elements(&cursor, depth: depth))
        default: break
        }
        let scalar = try cursor.scalar { scalar -> JSONTree? in
            switch scalar.kind {
            case .string: .string(String(decoding: scalar.bytes, as: UTF8.self))
            case .unreadableString: nil
            case .number: .number(String(decoding: scalar.bytes, as: UTF8.self))
            case .true: .bool(true)
            case .false: .bool(false)
            case .null: .null
            }
        }
        guard let scalar else { throw cursor.malformed("half a character in a string") }
        return scalar
    }

    private static func members(
        _ cursor: inout JSONCursor,
        depth: Int
    ) throws(MalformedJSON) -> [Member] {
        guard try cursor.open(UInt8(ascii: "{"), closing: UInt8(ascii: "}"), depth: depth) else { return [] }
        var members: [Member] = []
        repeat {
            let name = cursor.withCharacters(of: try cursor.name()) { characters in
                characters.map { String(decoding: $0, as: UTF8.self) }
            }
            guard let name else { throw cursor.malformed("half a character in a name") }
            let value = try value(&cursor, depth: depth + 1)
            members.removeAll { $0.name.utf8.elementsEqual(name.utf8) }
            members.append(Member(name: name, value: value))
        } while try cursor.nextMember(closing: UInt8(ascii: "}"))
        return members
    }

    private static func elements(
        _ cursor: inout JSONCursor,
        depth: Int
    ) throws(MalformedJSON) -> [JSONTree] {
        guard try cursor.open(UInt8(ascii: "["), closing: UInt8(ascii: "]"), depth: depth) else { return [] }
        var elements: [JSONTree] = []
        repeat {
            elements.append(try value(&cursor, depth: depth + 1))
        } while try cursor.nextMember(closing: UInt8(ascii: "]"))
        return elements
    }
}
