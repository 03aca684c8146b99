import Foundation

/// A host's credentials file, and a certificate by an authority of the test's own.
struct AccessFiles {
    struct Key {
        let id: String
        let secret: String

        var environment: [String: String] {
            ["AWS_ACCESS_KEY_ID": id, "AWS_SECRET_ACCESS_KEY": secret]
        }
    }

    let folder: String
    let admin: Key
    let producer: Key
    let reader: Key

    var credentials: String { folder + "/credentials" }
    var authority: String { folder + "/ca.pem" }
    var certificate: String { folder + "/host.pem" }
    var key: String { folder + "/host.key" }

    var credentialsOptions: [String] { ["--credentials", credentials] }
    var tlsOptions: [String] { ["--tls-cert", certificate, "--tls-key", key] }

    init(in folders: HostFolders) async throws {
        folder = folders.root
        let file = folder + "/credentials"
        admin = try await Self.addKey(to: file, role: "admin")
        producer = try await Self.addKey(to: file, role: "produce-only")
        reader = try await Self.addKey(to: file, role: "read-only")
    }

    private static func addKey(to file: String, role: String) async throws -> Key {
        let added = try await run(Repository.millrace, ["credentials", "add", file, "--role", role])
        let values = added.standardOutput.split(separator: "\n").compactMap {
            $0.split(separator: "=", maxSplits: 1).last.map(String.init)
        }
        guard added.isSuccess, values.count == 2 else {
            throw CommandFailed(command: "millrace credentials add", finished: added)
        }
        return Key(id: values[0], secret: values[1])
    }

    /// - Parameter days: How long the certificate is valid.
    func makeCertificate(days: Int = 90) async throws {
        try "subjectAltName=IP:127.0.0.1,DNS:localhost\n".write(
            toFile: folder + "/names",
            atomically: true,
            encoding: .utf8
        )
        let commands = [
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=test-authority -days 90 "
                + "-keyout ca.key -out ca.pem",
            "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -keyout host.key -out host.csr",
            "x509 -req -in host.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days \(days) -extfile names -out host.pem",
        ]
        for command in commands {
            let openssl = try ChildProcess(
                URL(fileURLWithPath: "/usr/bin/openssl"),
                command.split(separator: " ").map(String.init),
                in: folder
            )
            let end = try await openssl.end()
            guard end == .exited(0) else {
                let finished = FinishedCommand(
                    end: end,
                    standardOutput: openssl.standardOutput.text,
                    standardError: openssl.standardError.text
                )
                throw CommandFailed(command: "openssl \(command)", finished: finished)
            }
        }
    }
}
