import StreamCore
import Testing

@Suite struct ResourceNamesTests {
    @Test(arguments: [
        ("eu-west-1", "aws", "amazonaws.com"), ("cn-north-1", "aws-cn", "amazonaws.com.cn"),
        ("us-gov-west-1", "aws-us-gov", "amazonaws.com"),
    ])
    func `names are those of the partition that the region is in`(
        region: String,
        partition: String,
        domain: String
    ) {
        let names = ResourceNames(region: region, account: "123456789012")

        #expect(names.stream("flights") == "arn:\(partition):kinesis:\(region):123456789012:stream/flights")
        #expect(names.function("f") == "arn:\(partition):lambda:\(region):123456789012:function:f")
        #expect(names.role("r") == "arn:\(partition):iam::123456789012:role/r")
        #expect(names.domain == domain)
        #expect(ResourceNames.streamName(in: names.stream("flights")) == "flights")
    }
}
