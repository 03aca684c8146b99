import StreamCore
import Testing

@testable import HandlerProcess

struct InvocationLinesTests {
    private func end(
        _ duration: Duration,
        initDuration: Duration? = nil,
        failure: HandlerFailure? = nil
    ) -> String {
        let report = InvocationLines.Report(
            requestID: "r-1",
            duration: duration,
            memoryMegabytes: 128,
            peakMegabytes: 37,
            initDuration: initDuration,
            failure: failure
        )
        return String(decoding: InvocationLines.end(report), as: UTF8.self)
    }

    @Test func `the lines are those that Lambda prints`() {
        #expect(InvocationLines.start("r-1", version: "7") == Array("START RequestId: r-1 Version: 7\n".utf8))
        #expect(
            end(.microseconds(1_234_049), initDuration: .microseconds(200_500))
                == "END RequestId: r-1\nREPORT RequestId: r-1\tDuration: 1234.05 ms\tBilled Duration: 1235 ms\t"
                + "Memory Size: 128 MB\tMax Memory Used: 37 MB\tInit Duration: 200.50 ms\t\n"
        )
        #expect(end(.microseconds(4)).contains("Duration: 0.00 ms\tBilled Duration: 1 ms\t"))
    }

    @Test func `the report of a failure names it after what happened`() {
        let lines = end(.seconds(1), failure: .tooManyProcesses(limit: 1024)).split(separator: "\n")

        let failure = HandlerFailure.tooManyProcesses(limit: 1024)
        #expect(lines.first == failure.errorMessage(requestID: "r-1")[...])
        #expect(lines.last?.hasSuffix("\tStatus: error\tError Type: \(failure.errorType)") == true)
        #expect(end(.seconds(1), failure: .timedOut(after: .seconds(1))).hasSuffix("\tStatus: timeout\n"))
    }
}
