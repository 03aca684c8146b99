import ManagementAPI
import Testing

@testable import millrace

@Suite struct MappingReferenceTests {
    private let mappings = [
        summary("6f1ed0c6-3b9a-4a6b-8a1f-1c2d3e4f5a6b", "counts", "flights"),
        summary("6f2ed0c6-3b9a-4a6b-8a1f-1c2d3e4f5a6b", "counts", "airports"),
        summary("abcdef00-3b9a-4a6b-8a1f-1c2d3e4f5a6b", "alerts", "flights"),
    ]

    @Test(arguments: [
        ("6f1ed0c6-3b9a-4a6b-8a1f-1c2d3e4f5a6b", 0), ("6f1", 0), ("6F2E", 1), ("a", 2),
        ("counts/airports", 1),
        ("alerts/flights", 2),
    ])
    func `a mapping is named by its ID, the beginning of it, or its function and stream`(
        text: String,
        index: Int
    )
        throws
    {
        #expect(try MappingReference(text: text).find(in: mappings) == mappings[index])
    }

    @Test(arguments: [
        (
            "6f",
            "6f names 2 mappings: 6f1ed0c6-3b9a-4a6b-8a1f-1c2d3e4f5a6b, 6f2ed0c6-3b9a-4a6b-8a1f-1c2d3e4f5a6b"
        ),
        ("counts", "there is no mapping counts"), ("", "there is no mapping "),
        ("counts/trains", "there is no mapping counts/trains"),
    ])
    func `a name of none or of several is refused`(text: String, message: String) {
        let failure = #expect(throws: CommandFailure.self) {
            try MappingReference(text: text).find(in: mappings)
        }

        #expect(failure?.messages == [message])
    }

    private static func summary(_ id: String, _ function: String, _ stream: String) -> MappingSummary {
        MappingSummary(
            mapping: id,
            function: function,
            stream: stream,
            state: "enabled",
            startingPosition: "LATEST",
            batchSize: 100,
            batchWindowSeconds: 0
        )
    }
}
