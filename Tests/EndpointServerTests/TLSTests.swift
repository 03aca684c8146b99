import AWSClient
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import EndpointServer

@Suite(.timeLimit(.minutes(10)))
struct TLSTests {
    @Test func `a renewed certificate counts for the next connection, a broken one does not`() async throws {
        try await withTemporaryDirectory { directory in
            let (certificate, key) = (directory + "/host.pem", directory + "/host.key")
            try makeCertificate(in: directory, "first")
            try replace(directory, by: "first")
            let changes = Mutex<[String]>([])
            let identity = try TLSIdentity(certificatePath: certificate, keyPath: key) { change in
                changes.withLock { $0.append("\(change)") }
            }
            try await TestServer.with(.patient, tls: identity) { server in
                func isTrusted(by name: String) async throws -> Bool {
                    // A client of its own, so that no connection is kept from before.
                    let client = HTTPClient(
                        limits: HTTPClient.Limits(time: .seconds(600), connecting: .seconds(600)),
                        caFile: "\(directory)/\(name).pem"
                    )
                    do {
                        let request = ClientRequest(url: "https://127.0.0.1:\(server.port)/")
                        return try await client.send(request).status == 200
                    } catch HTTPFailure.untrusted {
                        return false
                    }
                }
                try makeCertificate(in: directory, "second")
                #expect(try await isTrusted(by: "first"))
                #expect(try await !isTrusted(by: "second"))

                try replace(directory, by: "second")
                #expect(try await isTrusted(by: "second"))
                #expect(try await !isTrusted(by: "first"))

                try "broken".write(toFile: certificate, atomically: true, encoding: .utf8)
                #expect(try await isTrusted(by: "second"))
                #expect(changes.withLock { $0.map { $0.prefix(5) } } == ["read(", "refus"])
            }
        }
    }

    /// A handshake that stops counts as a header that does not end.
    @Test func `a client that does not finish the handshake is cut off`() async throws {
        try await withTemporaryDirectory { directory in
            try makeCertificate(in: directory, "first")
            try replace(directory, by: "first")
            let identity = try TLSIdentity(
                certificatePath: directory + "/host.pem",
                keyPath: directory + "/host.key"
            ) { _ in }
            var limits = EndpointLimits()
            limits.idle = .milliseconds(50)
            limits.header = .milliseconds(50)
            try await TestServer.with(limits, tls: identity) { server in
                let silent = try RawClient(port: server.port)
                #expect(await silent.readToEnd() == "")
                let started = try RawClient(port: server.port)
                started.send("\u{16}\u{03}\u{01}\u{02}")
                #expect(await started.readToEnd() == "")
            }
        }
    }

    private func makeCertificate(in directory: String, _ name: String) throws {
        let openssl = Process()
        openssl.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        openssl.arguments = [
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
            "/CN=\(name)", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "30", "-keyout",
            "\(directory)/\(name).key", "-out", "\(directory)/\(name).pem",
        ]
        openssl.standardError = FileHandle.nullDevice
        try openssl.start()
        openssl.waitUntilExit()
        #expect(openssl.terminationStatus == 0)
    }

    private func replace(_ directory: String, by name: String) throws {
        for ending in ["pem", "key"] {
            let new = try Data(contentsOf: URL(fileURLWithPath: "\(directory)/\(name).\(ending)"))
            try new.write(to: URL(fileURLWithPath: "\(directory)/host.\(ending)"), options: .atomic)
        }
    }
}
