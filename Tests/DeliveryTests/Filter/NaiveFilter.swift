import Foundation
import StreamCore

/// The rules of filters on values that Foundation has parsed, as plainly as they can be said.
///
/// It knows numbers by value only, and none of the operators' refusals.
struct NaiveFilter {
    let patterns: [[String: Any]]

    init(_ patterns: [String]) throws {
        self.patterns = try patterns.map { pattern in
            let value = try JSONSerialization.jsonObject(with: Data(pattern.utf8))
            return value as? [String: Any] ?? [:]
        }
    }

    /// - Parameter payload: `nil` when it is not JSON.
    func matches(key: String, payload: Any?) -> Bool {
        var record: [String: Any] = ["partitionKey": key]
        record["data"] = payload
        return patterns.contains { matches($0, record, path: [], of: record) }
    }

    private func matches(
        _ pattern: [String: Any],
        _ object: [String: Any],
        path: [String],
        of record: [String: Any]
    )
        -> Bool
    {
        pattern.allSatisfy { name, wanted in
            if name == "$or" {
                let alternatives = wanted as? [[String: Any]] ?? []
                return alternatives.contains { matches($0, object, path: path, of: record) }
            }
            let here = path + [name]
            if here.first == "data", record["data"] == nil { return false }
            let values = elements(object[name])
            if let inner = wanted as? [String: Any] {
                let objects = values.compactMap { $0 as? [String: Any] }
                return (objects.isEmpty ? [[:]] : objects).contains {
                    matches(inner, $0, path: here, of: record)
                }
            }
            return (wanted as? [Any] ?? []).contains { test in
                if let test = test as? [String: Any], isFalse(test["exists"]) {
                    return !isPresent(here[...], in: record)
                }
                return values.contains { !($0 is [String: Any]) && accepts($0, test) }
            }
        }
    }

    /// The value, or what it is a list of, however deep.
    private func elements(_ value: Any?) -> [Any] {
        guard let value else { return [] }
        return (value as? [Any])?.flatMap(elements) ?? [value]
    }

    private func isPresent(_ path: ArraySlice<String>, in value: Any?) -> Bool {
        elements(value).contains { element in
            guard let name = path.first else { return !(element is [String: Any]) }
            return isPresent(path.dropFirst(), in: (element as? [String: Any])?[name])
        }
    }

    private func accepts(_ value: Any, _ test: Any) -> Bool {
        guard let test = test as? [String: Any], let (name, operand) = test.first else {
            return isEqual(value, test)
        }
        switch (name, operand) {
        case ("exists", _): return true
        case ("anything-but", let list as [Any]): return !list.contains { isEqual(value, $0) }
        case ("anything-but", _): return !isEqual(value, operand)
        case ("numeric", let list as [Any]):
            guard let number = number(value) else { return false }
            return stride(from: 0, to: list.count, by: 2).allSatisfy { index in
                let bound = self.number(list[index + 1]) ?? .nan
                switch list[index] as? String {
                case "=": return number == bound
                case ">": return number > bound
                case ">=": return number >= bound
                case "<": return number < bound
                default: return number <= bound
                }
            }
        default: break
        }
        guard let text = value as? String, let operand = operand as? String else { return false }
        switch name {
        case "prefix": return text.utf8.starts(with: operand.utf8)
        case "suffix": return text.utf8.reversed().starts(with: operand.utf8.reversed())
        default: return text.lowercased().utf8.elementsEqual(operand.lowercased().utf8)
        }
    }

    private func isEqual(_ left: Any, _ right: Any) -> Bool {
        if let left = left as? String, let right = right as? String {
            return left.utf8.elementsEqual(right.utf8)
        }
        if left is NSNull || right is NSNull { return left is NSNull && right is NSNull }
        if let left = bool(left), let right = bool(right) { return left == right }
        if let left = number(left), let right = number(right) { return left == right }
        return false
    }

    private func isFalse(_ value: Any?) -> Bool { value.flatMap(bool) == false }

    /// Foundation casts a number to `Bool` and back; its type code tells which it was.
    private func bool(_ value: Any) -> Bool? {
        guard let number = value as? NSNumber, String(cString: number.objCType) == "c" else { return nil }
        return number.boolValue
    }

    private func number(_ value: Any) -> Double? {
        guard let number = value as? NSNumber, String(cString: number.objCType) != "c" else { return nil }
        return number.doubleValue
    }
}
