/// The body of a request in AWS's query protocol: `Action=Publish&…`.
enum FormEncoding {
    static func encode(_ fields: [(name: String, value: String)]) -> [UInt8] {
        var form: [UInt8] = []
        for (index, field) in fields.enumerated() {
            if index > 0 { form.append(UInt8(ascii: "&")) }
            append(field.name, to: &form)
            form.append(UInt8(ascii: "="))
            append(field.value, to: &form)
        }
        return form
    }

    private static func append(_ text: String, to form: inout [UInt8]) {
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
                UInt8(ascii: "_"), UInt8(ascii: "~"):
                form.append(byte)
            default:
                form += [UInt8(ascii: "%"), hexDigit(byte >> 4), hexDigit(byte & 15)]
            }
        }
    }

    private static func hexDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + value - 10
    }
}
