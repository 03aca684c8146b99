import AWSClient
import Testing

struct AWSErrorTests {
    @Test(arguments: [
        (#"{"__type":"ResourceNotFoundException","message":"gone"}"#, "ResourceNotFoundException", "gone"),
        (#"{"__type":"com.amazonaws.kinesis#Foo","Message":"bar"}"#, "Foo", "bar"),
        (#"{"Type":"User","message":"m"}"#, "User", "m"),
        ("<Error><Code>NoSuchKey</Code><Message>a &amp;lt; b</Message></Error>", "NoSuchKey", "a &lt; b"),
        ("<html>proxy</html>", "HTTP 400", "<html>proxy</html>"),
        ("not json", "HTTP 400", "not json"),
        ("", "HTTP 400", ""),
    ])
    func `type and message are read from any of their spellings`(body: String, type: String, message: String)
    {
        let error = AWSError(ClientResponse(status: 400, headers: [:], body: Array(body.utf8)))

        #expect(error == AWSError(type: type, message: message, status: 400))
    }

    @Test func `the type in a header comes without its namespace`() {
        let headers = ["x-amzn-errortype": "ResourceConflictException:http://internal.amazon.com/coral/"]

        let error = AWSError(ClientResponse(status: 409, headers: headers, body: Array("{}".utf8)))

        #expect(error.type == "ResourceConflictException")
        #expect(error.status == 409)
    }
}
