import FailureDestinations
import StreamCore
import Testing

struct FailureRecordTests {
    private let batch = """
        "version":"1.0","timestamp":"2019-11-14T00:38:06.021Z","KinesisBatchInfo":{\
        "shardId":"shardId-000000000006","startSequenceNumber":"4959","endSequenceNumber":"4960",\
        "approximateArrivalOfFirstRecord":"2019-11-14T00:38:04.835Z",\
        "approximateArrivalOfLastRecord":"2019-11-14T00:38:05.005Z","batchSize":2,\
        "streamArn":"arn:aws:kinesis:us-east-1:000000000000:stream/flights"}
        """

    private func request(_ condition: String) -> String {
        """
        {"requestContext":{"requestId":"c9b8fa9f-5a7f-xmpl-af9c-0c604cde93a5",\
        "functionArn":"arn:aws:lambda:us-east-1:000000000000:function:counts","condition":"\(condition)",\
        "approximateInvokeCount":3},
        """
    }

    @Test func `after an error of the function a record is Lambda's, byte for byte`() {
        let record = FailureRecord.metadata(of: .sample())

        let expected =
            request("RetryAttemptsExhausted")
            + #""responseContext":{"statusCode":200,"executedVersion":"$LATEST","functionError":"Unhandled"},"#
            + batch + "}"
        #expect(String(decoding: record, as: UTF8.self) == expected)
    }

    @Test func `after exhausted partial failures the function's error is null`() {
        let response = BatchFailure.Response(executedVersion: "7", functionError: nil, reason: "items failed")

        let record = FailureRecord.metadata(of: .sample(response: response))

        let expected =
            request("RetryAttemptsExhausted")
            + #""responseContext":{"statusCode":200,"executedVersion":"7","functionError":null},"# + batch
            + "}"
        #expect(String(decoding: record, as: UTF8.self) == expected)
    }

    @Test func `records that grew too old have no responseContext`() {
        let record = FailureRecord.metadata(of: .sample(condition: .recordAgeExceeded, response: nil))

        let expected = request("RecordAgeExceeded") + batch + "}"
        #expect(String(decoding: record, as: UTF8.self) == expected)
    }

    @Test func `a bucket's record has the whole event as a text in JSON`() {
        let event = Array("{\"Records\":[{\"key\":\"a\\\"b\\u00fcü\\n\"}]}\n\u{1}".utf8)

        let record = FailureRecord.withPayload(of: .sample(response: nil, event: event))

        let payload = #","payload":"{\"Records\":[{\"key\":\"a\\\"b\\u00fcü\\n\"}]}\n\u0001"}"#
        #expect(
            String(decoding: record, as: UTF8.self) == request("RetryAttemptsExhausted") + batch + payload
        )
    }

    @Test func `an event that is no UTF-8 leaves the record readable`() {
        let record = FailureRecord.withPayload(of: .sample(event: [0x7B, 0xFF, 0x7D]))

        #expect(String(validating: record, as: UTF8.self)?.hasSuffix(#""payload":"{\#u{FFFD}}"}"#) == true)
    }

    @Test(arguments: [
        (1_573_691_886_021, "2019/11/14/2019-11-14T00.38.06"), (0, "1970/01/01/1970-01-01T00.00.00"),
        (951_827_696_999, "2000/02/29/2000-02-29T12.34.56"), (-1, "1969/12/31/1969-12-31T23.59.59"),
    ])
    func `an object's key is Lambda's, and the same for each delivery`(milliseconds: Int64, moment: String) {
        let failure = BatchFailure.sample(time: Timestamp(milliseconds: milliseconds))

        let key = FailureObjectKey.key(of: failure)

        let folder = "aws/lambda/6f1ed0c6-3b9a-4a6b-8a1f-1c2d3e4f5a6b/shardId-000000000006"
        #expect(key == "\(folder)/\(moment)-11111111-2222-3333-4444-555555555555")
        #expect(key == FailureObjectKey.key(of: failure))
    }
}
