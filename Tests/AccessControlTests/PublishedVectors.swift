@testable import AccessControl

/// A case of AWS's published test suite for Signature Version 4.
///
/// All are signed at 2015-08-30T12:36:00Z by AKIDEXAMPLE, for us-east-1 and the service named `service`.
struct PublishedVector: Sendable, CustomStringConvertible {
    let name: String
    let method: String
    let target: String
    var headers: [(name: String, value: String)] = []
    var body = ""
    let signature: String

    var description: String { name }

    static let host = "example.amazonaws.com"
    static let date = "20150830T123600Z"
    static let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
    private static let unreserved = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    private static let form = "application/x-www-form-urlencoded"

    var request: IncomingRequest {
        let fixed = [(name: "host", value: Self.host), (name: "x-amz-date", value: Self.date)]
        return IncomingRequest(method: method, target: target, headers: headers + fixed, isEncrypted: false)
    }

    var signedHeaders: [String] { Set(request.headers.map(\.name)).sorted() }

    static let all: [PublishedVector] = [
        get("vanilla", "/", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        get("query", "/?Param1=value1", "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"),
        get(
            "query, keys out of order",
            "/?Param2=value2&Param1=value1",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"
        ),
        get(
            "query, one key with values in upper and lower case",
            "/?Param1=value2&Param1=Value1",
            "eedbc4e291e521cf13422ffca22be7d2eb8146eecf653089df300a15b2382bd1"
        ),
        get(
            "query, one key with values out of order",
            "/?Param1=value2&Param1=value1",
            "5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694"
        ),
        get(
            "query, encoded keys",
            "/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1",
            "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac"
        ),
        get(
            "query, unreserved characters",
            "/?\(unreserved)=\(unreserved)",
            "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"
        ),
        get(
            "query, not encoded",
            "/?\u{1234}=bar",
            "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"
        ),
        get(
            "path, unreserved characters",
            "/\(unreserved)",
            "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"
        ),
        get(
            "path, not encoded",
            "/\u{1234}",
            "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"
        ),
        get(
            "path, relative",
            "/example/..",
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
        ),
        get(
            "path, relative twice",
            "/example1/example2/../..",
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
        ),
        get("path, two slashes", "//", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        get(
            "path, slash dot slash",
            "/./",
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
        ),
        get(
            "path, pointless dot",
            "/./example",
            "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5"
        ),
        get(
            "path, slashes",
            "//example//",
            "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"
        ),
        get(
            "path, blank",
            "/example space/",
            "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"
        ),
        get(
            "path, dollar",
            "/example/$delete",
            "a853c9b21b528b19643d00910d35b83a10c366a10833ceefb45edd6c80e40f27"
        ),
        get(
            "header three times",
            "/",
            headers: ["value2", "value2", "value1"].map { ("my-header1", $0) },
            "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"
        ),
        get(
            "header four times, out of order",
            "/",
            headers: ["value4", "value1", "value3", "value2"].map { ("my-header1", $0) },
            "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01"
        ),
        get(
            "header with blanks",
            "/",
            headers: [("my-header1", " value1"), ("my-header2", #" "a   b   c""#)],
            "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"
        ),
        post("vanilla", "/", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        post("query", "/?Param1=value1", "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"),
        post(
            "header in upper case",
            "/",
            headers: [("my-header1", "VALUE1")],
            "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d"
        ),
        post(
            "body",
            "/",
            headers: [("content-type", form)],
            body: "Param1=value1",
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"
        ),
        post(
            "body with charset",
            "/",
            headers: [("content-type", "\(form); charset=utf8")],
            body: "Param1=value1",
            "1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe"
        ),
    ]

    private static func get(
        _ name: String,
        _ target: String,
        headers: [(String, String)] = [],
        _ signature: String
    ) -> PublishedVector {
        PublishedVector(
            name: "GET: \(name)",
            method: "GET",
            target: target,
            headers: headers.map { (name: $0.0, value: $0.1) },
            signature: signature
        )
    }

    private static func post(
        _ name: String,
        _ target: String,
        headers: [(String, String)] = [],
        body: String = "",
        _ signature: String
    ) -> PublishedVector {
        PublishedVector(
            name: "POST: \(name)",
            method: "POST",
            target: target,
            headers: headers.map { (name: $0.0, value: $0.1) },
            body: body,
            signature: signature
        )
    }
}
