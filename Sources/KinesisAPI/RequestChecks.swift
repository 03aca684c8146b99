import KinesisWire
import StreamCore

/// Collects the rules of the service model that a request breaks, so that its sender learns of all at once.
struct RequestChecks {
    private var violations: [Violation] = []

    func finish() throws(KinesisError) {
        guard violations.isEmpty else { throw .validation(violations) }
    }

    mutating func require(_ value: Any?, at path: String) {
        if value == nil { violations.append(Violation(nil, at: path, .notNull)) }
    }

    mutating func text(_ value: String?, at path: String, length: ClosedRange<Int>) {
        guard let value else { return }
        let count = value.unicodeScalars.count
        if count < length.lowerBound {
            violations.append(Violation(value, at: path, .lengthAtLeast(length.lowerBound)))
        }
        if count > length.upperBound {
            violations.append(Violation(value, at: path, .lengthAtMost(length.upperBound)))
        }
    }

    /// A stream's or shard's name.
    mutating func name(_ value: String?, at path: String) {
        guard let value else { return }
        let isClean = !value.isEmpty && value.utf8.allSatisfy { isNameByte($0) }
        if !isClean { violations.append(Violation(value, at: path, .pattern("[a-zA-Z0-9_.-]+"))) }
        text(value, at: path, length: 1...128)
    }

    mutating func sequenceNumber(_ value: String?, at path: String) {
        guard let value else { return }
        let isNumber = (1...129).contains(value.utf8.count) && value.utf8.allSatisfy { 48...57 ~= $0 }
        guard !isNumber || (value.utf8.count > 1 && value.hasPrefix("0")) else { return }
        violations.append(Violation(value, at: path, .pattern(#"0|([1-9]\d{0,128})"#)))
    }

    mutating func hashKey(_ value: String?, at path: String) {
        guard let value else { return }
        let isNumber = (1...39).contains(value.utf8.count) && value.utf8.allSatisfy { 48...57 ~= $0 }
        guard !isNumber || (value.utf8.count > 1 && value.hasPrefix("0")) else { return }
        violations.append(Violation(value, at: path, .pattern(KinesisLimits.hashKeyPattern)))
    }

    mutating func number(_ value: Int?, at path: String, in range: ClosedRange<Int>) {
        guard let value else { return }
        if value < range.lowerBound {
            violations.append(Violation(String(value), at: path, .valueAtLeast(range.lowerBound)))
        }
        if value > range.upperBound {
            violations.append(Violation(String(value), at: path, .valueAtMost(range.upperBound)))
        }
    }

    mutating func oneOf(_ names: [String], _ value: String?, at path: String) {
        guard let value, !names.contains(value) else { return }
        violations.append(Violation(value, at: path, .oneOf(names)))
    }

    mutating func count(_ count: Int, printed value: String, at path: String, in range: ClosedRange<Int>) {
        if count < range.lowerBound {
            violations.append(Violation(value, at: path, .lengthAtLeast(range.lowerBound)))
        }
        if count > range.upperBound {
            violations.append(Violation(value, at: path, .lengthAtMost(range.upperBound)))
        }
    }

    private func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
