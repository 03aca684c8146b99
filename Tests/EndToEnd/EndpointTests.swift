import Foundation
import Testing

extension EndToEnd {
    /// Requests that the endpoint does not serve.
    @Suite struct EndpointTests {
        @Test func `web pages and foreign host names are refused, whatever they ask for`() async throws {
            try await HostFolders.withFresh { folders in
                try await HostProcess.withHost(in: folders) { host in
                    let strangers = [
                        "Origin=http://evil.example", "Origin=null", "Host=evil.example",
                        "Host=evil.example:80", "Host=127.0.0.1.evil.example",
                    ]
                    for header in strangers {
                        for path in ["/", "/millrace/v1/functions"] {
                            let answer = try await host.python("request.py", "GET", path, "--header", header)
                            #expect(answer.hasPrefix("403 "), "\(header) on \(path)")
                        }
                    }

                    let served = try await host.python(
                        "request.py",
                        "GET",
                        "/millrace/v1/functions",
                        "--header",
                        "Host=localhost:4600"
                    )
                    #expect(served == "200 []\n")
                }
            }
        }

        @Test func `a body that is too large is answered 413 and says so`() async throws {
            try await HostFolders.withFresh { folders in
                try await HostProcess.withHost(in: folders) { host in
                    let answer = try await host.python(
                        "request.py",
                        "POST",
                        "/millrace/v1/functions",
                        "--body-bytes",
                        "40000000"
                    )

                    #expect(answer == #"413 {"errors":["the body exceeds 1048576 bytes"]}"# + "\n")
                }
            }
        }
    }
}
