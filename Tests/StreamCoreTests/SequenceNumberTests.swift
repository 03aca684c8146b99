import StreamCore
import TestSupport
import Testing

@Suite struct SequenceNumberTests {
    @Test(arguments: [
        ("0", SequenceNumber(high: 0, middle: 0, low: 0)),
        ("1", SequenceNumber(high: 0, middle: 0, low: 1)),
        ("18446744073709551615", SequenceNumber(high: 0, middle: 0, low: .max)),
        ("18446744073709551616", SequenceNumber(high: 0, middle: 1, low: 0)),
        ("340282366920938463463374607431768211455", SequenceNumber(high: 0, middle: .max, low: .max)),
        ("340282366920938463463374607431768211456", SequenceNumber(high: 1, middle: 0, low: 0)),
        (
            "6277101735386680763835789423207666416102355444464034512895",
            SequenceNumber(high: .max, middle: .max, low: .max)
        ),
    ])
    func `a number and its decimal form stand for each other`(text: String, number: SequenceNumber) {
        #expect(number.description == text)
        #expect(SequenceNumber(text[...]) == number)
    }

    @Test func `a number that Kinesis issued is kept as it is`() {
        let text = "49590338271490256608559692538361571095921575989136588898"

        #expect(SequenceNumber(text[...])?.description == text)
    }

    @Test(arguments: [
        "", "-1", "+1", " 1", "1 ", "1x", "0x1", "1.0",
        "6277101735386680763835789423207666416102355444464034512896",
        "10000000000000000000000000000000000000000000000000000000000",
    ])
    func `anything but a decimal number of 192 bits is refused`(text: String) {
        #expect(SequenceNumber(text[...]) == nil)
    }

    @Test func `leading zeros are read and not written`() {
        #expect(SequenceNumber("000042"[...])?.description == "42")
    }

    @Test func `random numbers survive their decimal form, and order is that of the numbers`() throws {
        var random = SeededRandom()
        print("seed \(random.seed)")
        for _ in 0..<2000 {
            let (left, right) = (randomNumber(&random), randomNumber(&random))
            #expect(SequenceNumber(left.description[...]) == left)

            let (leftText, rightText) = (left.description, right.description)
            let isTextLess = (leftText.count, leftText) < (rightText.count, rightText)
            #expect((left < right) == isTextLess)
        }
    }

    @Test func `the successor carries from word to word`() {
        let end = SequenceNumber(high: 0, middle: .max, low: .max)

        #expect(SequenceNumber(41).successor == 42)
        #expect(SequenceNumber(UInt128(UInt64.max)).successor == SequenceNumber(high: 0, middle: 1, low: 0))
        #expect(end.successor == SequenceNumber(high: 1, middle: 0, low: 0))
        #expect(end < end.successor)
    }
}

@Suite struct SequenceDigitsTests {
    @Test func `digits are those of the number, whatever was written before`() {
        var random = SeededRandom()
        print("seed \(random.seed)")
        var digits = SequenceDigits()
        var number = SequenceNumber.zero
        for _ in 0..<20_000 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0: number = randomNumber(&random)
            case 1:
                number = SequenceNumber(
                    high: number.high,
                    middle: number.middle,
                    low: number.low | 0xFFFF_FFFF_FFFF
                )
            case 2: number = SequenceNumber(UInt128(UInt64.random(in: 0...1000, using: &random)))
            default:
                let step = UInt64.random(
                    in: 0...(1 << UInt64.random(in: 0...42, using: &random)),
                    using: &random
                )
                number = SequenceNumber(high: number.high, middle: number.middle, low: number.low &+ step)
            }
            let text = digits.withDigits(of: number) { String(decoding: $0, as: UTF8.self) }
            #expect(SequenceNumber(text[...]) == number)
            #expect(text == "0" || !text.hasPrefix("0"))
        }
    }

    @Test func `digits run over from nines`() {
        var digits = SequenceDigits()
        for number in [9, 10, 99, 100, 999_999, 1_000_000, 1_000_000] as [SequenceNumber] {
            let text = digits.withDigits(of: number) { String(decoding: $0, as: UTF8.self) }
            #expect(text == number.description)
        }
    }

    @Test func `digits are copied where they are wanted`() {
        var digits = SequenceDigits()
        var target = [UInt8](repeating: UInt8(ascii: "."), count: SequenceNumber.maximumDigits)

        let length = target.withUnsafeMutableBytes { buffer in
            buffer.baseAddress.map { digits.write(1234, to: $0) }
        }

        #expect(length == 4)
        #expect(target.prefix(5).elementsEqual("1234.".utf8))
    }
}

private func randomNumber(_ random: inout SeededRandom) -> SequenceNumber {
    func word() -> UInt64 {
        switch Int.random(in: 0..<4, using: &random) {
        case 0: 0
        case 1: .max
        default: UInt64.random(in: 0...UInt64.max, using: &random)
        }
    }
    return SequenceNumber(high: word(), middle: word(), low: word())
}
