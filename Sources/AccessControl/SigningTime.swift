package import Foundation

/// A time as signatures state it, to the second: `20150830T123600Z`.
package struct SigningTime: Hashable, Sendable, CustomStringConvertible {
    package let secondsSince1970: Int64

    package init(secondsSince1970: Int64) {
        self.secondsSince1970 = secondsSince1970
    }

    package init(_ date: Date) {
        secondsSince1970 = Int64(date.timeIntervalSince1970.rounded(.down))
    }

    init?(_ text: String) {
        let digits = text.utf8.filter { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard digits.count == 14 else { return nil }
        func number(_ range: Range<Int>) -> Int32 {
            digits[range].reduce(0) { $0 * 10 + Int32($1 - UInt8(ascii: "0")) }
        }
        var parts = tm()
        parts.tm_year = number(0..<4) - 1900
        parts.tm_mon = number(4..<6) - 1
        parts.tm_mday = number(6..<8)
        parts.tm_hour = number(8..<10)
        parts.tm_min = number(10..<12)
        parts.tm_sec = number(12..<14)
        secondsSince1970 = Int64(timegm(&parts))
        // Only what is printed the same way again is such a time: timegm takes a 31st of June.
        guard description == text else { return nil }
    }

    /// Such as `20150830`.
    var day: String { String(description.prefix(8)) }

    package var description: String {
        var seconds = time_t(secondsSince1970)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        var text = [CChar](repeating: 0, count: 32)
        let count = strftime(&text, text.count, "%Y%m%dT%H%M%SZ", &parts)
        return String(decoding: text.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    func advanced(by seconds: Int64) -> SigningTime {
        SigningTime(secondsSince1970: secondsSince1970 + seconds)
    }
}
