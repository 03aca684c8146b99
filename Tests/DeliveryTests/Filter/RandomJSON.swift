import TestSupport

/// Writes random JSON from few names and values, so that patterns often match.
struct RandomJSON {
    private static let names = ["a", "b", "c", "d"]
    private static let texts = ["", "x", "xy", "XY", "yx", "é", "É", "\"q\\", "\n", "🛩x"]
    /// Each number in the one way in which it is written.
    private static let numbers = ["0", "1", "-2", "3.5", "100"]

    var random: SeededRandom

    init(seed: UInt64) {
        random = SeededRandom(seed: seed)
    }

    // MARK: Payloads

    mutating func payload() -> String { space() + value(depth: 0) + space() }

    private mutating func value(depth: Int) -> String {
        switch Int.random(in: 0..<(depth < 4 ? 10 : 4), using: &random) {
        case 0: ["true", "false", "null"].randomElement(using: &random) ?? "null"
        case 1: Self.numbers.randomElement(using: &random) ?? "0"
        case 2, 3: string(Self.texts)
        case 4, 5: list(0...3) { $0.value(depth: depth + 1) }
        default: object(depth: depth)
        }
    }

    private mutating func object(depth: Int) -> String {
        let members = (0..<Int.random(in: 0...4, using: &random)).map { _ in
            string(Self.names) + space() + ":" + space() + value(depth: depth + 1)
        }
        return "{" + space() + members.joined(separator: space() + "," + space()) + space() + "}"
    }

    private mutating func list(_ count: ClosedRange<Int>, _ element: (inout RandomJSON) -> String) -> String {
        let elements = (0..<Int.random(in: count, using: &random)).map { _ in element(&self) }
        return "[" + space() + elements.joined(separator: space() + "," + space()) + "]"
    }

    private mutating func space() -> String {
        Int.random(in: 0..<4, using: &random) == 0
            ? [" ", "\n", "\t", " \r\n "].randomElement(using: &random) ?? " " : ""
    }

    private mutating func string(_ choice: [String]) -> String {
        var json = "\""
        for scalar in (choice.randomElement(using: &random) ?? "").unicodeScalars {
            let mustEscape = scalar.value < 0x20 || scalar == "\"" || scalar == "\\"
            guard mustEscape || Int.random(in: 0..<8, using: &random) == 0 else {
                json.unicodeScalars.append(scalar)
                continue
            }
            for unit in String(scalar).utf16 {
                let digits = String(unit, radix: 16, uppercase: Bool.random(using: &random))
                json += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }
        }
        return json + "\""
    }

    // MARK: Patterns

    mutating func pattern() -> String {
        switch Int.random(in: 0..<6, using: &random) {
        case 0: #"{"partitionKey":\#(leaf(["key-1", "key-2"])),"data":\#(fields(depth: 0))}"#
        case 1: #"{"$or":[{"partitionKey":["key-1"]},{"data":\#(fields(depth: 0))}]}"#
        default: #"{"data":\#(fields(depth: 0))}"#
        }
    }

    private mutating func fields(depth: Int) -> String {
        var members: [String] = []
        // Of two equal names the patterns' readers would have to agree on one; that is the payload's test.
        for name in Self.names.shuffled(using: &random).prefix(Int.random(in: 1...2, using: &random)) {
            let isNested = depth < 3 && Int.random(in: 0..<3, using: &random) == 0
            members.append("\"\(name)\":" + (isNested ? fields(depth: depth + 1) : leaf(Self.texts)))
        }
        if depth < 2, Int.random(in: 0..<6, using: &random) == 0 {
            members.append("\"$or\":" + list(2...3) { $0.fields(depth: depth + 1) })
        }
        return "{" + members.joined(separator: ",") + "}"
    }

    private mutating func leaf(_ texts: [String]) -> String { list(1...3) { $0.test(texts) } }

    private mutating func test(_ texts: [String]) -> String {
        let number = Self.numbers.randomElement(using: &random) ?? "0"
        switch Int.random(in: 0..<14, using: &random) {
        case 0: return #"{"exists":true}"#
        case 1, 2: return #"{"exists":false}"#
        case 3: return #"{"prefix":\#(string(texts))}"#
        case 4: return #"{"suffix":\#(string(texts))}"#
        case 5: return #"{"equals-ignore-case":\#(string(texts))}"#
        case 6: return #"{"anything-but":\#(list(1...3) { $0.string(texts) })}"#
        case 7: return #"{"anything-but":\#(number)}"#
        case 8:
            let comparison = ["=", "<", "<=", ">", ">="].randomElement(using: &random) ?? "="
            return #"{"numeric":["\#(comparison)",\#(number)]}"#
        case 9: return #"{"numeric":[">=",-2,"<",3.5]}"#
        case 10: return number
        case 11: return ["true", "false", "null"].randomElement(using: &random) ?? "null"
        default: return string(texts)
        }
    }

    // MARK: Breaking

    /// The same bytes with a few of them changed, dropped or doubled.
    mutating func broken(_ text: String) -> [UInt8] {
        var bytes = Array(text.utf8)
        for _ in 0..<Int.random(in: 1...3, using: &random) where !bytes.isEmpty {
            let index = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
            case 1: bytes.remove(at: index)
            case 2: bytes.insert(Array(#"{}[]",:\u0-e"#.utf8).randomElement(using: &random) ?? 0, at: index)
            default: bytes.removeSubrange(index...)
            }
        }
        return bytes
    }
}
