#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What a pattern asks of one value: one entry of the list at a leaf of the pattern.
///
/// Without references, so that a test costs what its comparison does; texts lie in `ValueTests`.
enum ValueTest {
    /// Any value that is no object and no list.
    case exists
    case null
    case bool(Bool)
    case string(TextRange)
    /// As it is written: 300, 300.0 and 3.0e2 are three values.
    case number(TextRange)
    /// The text is in lower case.
    case stringIgnoringCase(TextRange)
    case prefix(TextRange)
    case suffix(TextRange)
    /// By value.
    case numeric(NumericRange)
    /// Any value that passes none of these of `ValueTests.excluded`.
    case anythingBut(Range<Int>)

    /// Where a text lies in `ValueTests.texts`.
    typealias TextRange = Range<Int>
}

/// The numbers between two bounds, either of which may be missing.
struct NumericRange: Hashable {
    var lower = -Double.infinity
    var upper = Double.infinity
    var includesLower = true
    var includesUpper = true

    var isEmpty: Bool { lower > upper || lower == upper && !(includesLower && includesUpper) }

    func contains(_ value: Double) -> Bool {
        (includesLower ? value >= lower : value > lower) && (includesUpper ? value <= upper : value < upper)
    }
}

/// The tests of all leaves of a filter, one after the other.
struct ValueTests {
    private(set) var tests: [ValueTest] = []
    private(set) var excluded: [ValueTest] = []
    private(set) var texts: [UInt8] = []

    mutating func addText(_ text: String) -> ValueTest.TextRange {
        let start = texts.count
        texts += text.utf8
        return start..<texts.count
    }

    /// - Returns: Their places.
    mutating func addExcluded(_ more: [ValueTest]) -> Range<Int> {
        excluded += more
        return excluded.count - more.count..<excluded.count
    }

    /// - Returns: The places of one leaf's tests.
    mutating func addLeaf(_ leaf: [ValueTest]) -> Range<Int> {
        tests += leaf
        return tests.count - leaf.count..<tests.count
    }

    /// Whether the value passes one of the tests.
    func accept(_ value: JSONScalar, _ leaf: Range<Int>) -> Bool {
        for index in leaf where passes(value, tests[index]) { return true }
        return false
    }

    private func passes(_ value: JSONScalar, _ test: ValueTest) -> Bool {
        switch (test, value.kind) {
        case (.exists, _), (.null, .null), (.bool(true), .true), (.bool(false), .false): return true
        case (.string(let text), .string), (.number(let text), .number):
            return text.count == value.bytes.count && equals(value.bytes, text)
        case (.prefix(let text), .string):
            return value.bytes.count >= text.count
                && equals(UnsafeRawBufferPointer(rebasing: value.bytes.prefix(text.count)), text)
        case (.suffix(let text), .string):
            return value.bytes.count >= text.count
                && equals(UnsafeRawBufferPointer(rebasing: value.bytes.suffix(text.count)), text)
        case (.stringIgnoringCase(let text), .string): return equalsIgnoringCase(value.bytes, text)
        case (.numeric(let range), .number): return range.contains(Double(jsonNumber: value.bytes))
        case (.anythingBut(let others), _):
            for index in others where passes(value, excluded[index]) { return false }
            return true
        default: return false
        }
    }

    /// The two are equally long.
    private func equals(_ bytes: UnsafeRawBufferPointer, _ text: ValueTest.TextRange) -> Bool {
        texts.withUnsafeBytes { texts in
            guard let left = bytes.baseAddress, let right = texts.baseAddress else { return true }
            return memcmp(left, right + text.lowerBound, text.count) == 0
        }
    }

    private func equalsIgnoringCase(_ bytes: UnsafeRawBufferPointer, _ text: ValueTest.TextRange) -> Bool {
        guard bytes.allSatisfy({ $0 < 0x80 }) else {
            return String(decoding: bytes, as: UTF8.self).lowercased().utf8.elementsEqual(texts[text])
        }
        guard bytes.count == text.count else { return false }
        for (index, byte) in bytes.enumerated() {
            let isUpper = byte &- UInt8(ascii: "A") < 26
            guard texts[text.lowerBound + index] == (isUpper ? byte | 0x20 : byte) else { return false }
        }
        return true
    }
}
