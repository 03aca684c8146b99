import AccessControl
package import Foundation
import NIOSSL
import Synchronization

/// The certificate and key that the endpoint shows its clients, as they are in their files.
///
/// A renewed pair counts for the connections that come after it.
package final class TLSIdentity: Sendable {
    private struct Loaded {
        let version: [FileVersion?]
        let context: NIOSSLContext
    }

    private let certificatePath: String
    private let keyPath: String
    private let changed: @Sendable (Change) -> Void
    private let loaded: Mutex<Loaded>
    /// Of the certificate that was there at the start.
    package let validity: Range<Date>

    package enum Change: Sendable {
        case read(validity: Range<Date>)
        /// The pair from before still counts.
        case refused(TLSUnusable)
    }

    /// - Parameter changed: Told once for each change of the files.
    /// - Throws: `TLSUnusable`.
    package init(
        certificatePath: String,
        keyPath: String,
        changed: @escaping @Sendable (Change) -> Void
    ) throws {
        self.certificatePath = certificatePath
        self.keyPath = keyPath
        self.changed = changed
        let version = [certificatePath, keyPath].map(FileVersion.init(path:))
        let (context, validity) = try Self.load(certificatePath, keyPath)
        self.validity = validity
        loaded = Mutex(Loaded(version: version, context: context))
    }

    /// For the next connection.
    func context() -> NIOSSLContext {
        let version = [certificatePath, keyPath].map(FileVersion.init(path:))
        let (context, change) = loaded.withLock { loaded -> (NIOSSLContext, Change?) in
            guard version != loaded.version else { return (loaded.context, nil) }
            do {
                let (context, validity) = try Self.load(certificatePath, keyPath)
                loaded = Loaded(version: version, context: context)
                return (context, .read(validity: validity))
            } catch {
                // The files of a pair are replaced one after the other: the next connection may find them whole.
                loaded = Loaded(version: version, context: loaded.context)
                let refused =
                    error as? TLSUnusable ?? TLSUnusable(path: certificatePath, reason: "\(error)")
                return (loaded.context, .refused(refused))
            }
        }
        if let change { changed(change) }
        return context
    }

    private static func load(
        _ certificatePath: String,
        _ keyPath: String
    ) throws -> (NIOSSLContext, Range<Date>) {
        let chain = try reading(certificatePath, "TLS certificate") {
            try NIOSSLCertificate.fromPEMFile($0)
        }
        guard let first = chain.first else {
            throw TLSUnusable(path: certificatePath, reason: "it holds no certificate in PEM form")
        }
        let key = try reading(keyPath, "TLS key") { try NIOSSLPrivateKey(file: $0, format: .pem) }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) },
            privateKey: .privateKey(key)
        )
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["h2", "http/1.1"]
        let start = Date(timeIntervalSince1970: TimeInterval(first.notValidBefore))
        let end = Date(timeIntervalSince1970: TimeInterval(first.notValidAfter))
        do {
            return (try NIOSSLContext(configuration: configuration), start..<max(start, end))
        } catch {
            throw TLSUnusable(
                message: "the TLS key \(keyPath) does not belong to the certificate \(certificatePath)",
                hint: "pass the pair that was made together"
            )
        }
    }

    private static func reading<Value>(
        _ path: String,
        _ name: String,
        _ body: (String) throws -> Value
    ) throws -> Value {
        guard access(path, R_OK) == 0 else {
            throw TLSUnusable(
                message: "\(name) \(path) cannot be read: \(String(cString: strerror(errno)))",
                hint: nil
            )
        }
        do {
            return try body(path)
        } catch {
            throw TLSUnusable(
                message: "\(name) \(path) cannot be used: it is not in PEM form, or locked with a passphrase",
                hint: "openssl can tell: `openssl pkey -in KEY -noout`, `openssl x509 -in CERTIFICATE -noout`"
            )
        }
    }
}

/// Why certificate and key cannot be used, and what to do about it.
package struct TLSUnusable: Error, Equatable, CustomStringConvertible {
    package let message: String
    package let hint: String?

    init(message: String, hint: String?) {
        self.message = message
        self.hint = hint
    }

    init(path: String, reason: String) {
        self.init(message: "TLS certificate \(path) cannot be used: \(reason)", hint: nil)
    }

    package var description: String { message }
}
