import AccessControl
import EndpointServer
import Foundation
import Logging

/// Who may reach the endpoint, and how.
struct EndpointAccess: Sendable {
    struct Settings: Sendable {
        /// Absolute, as the others.
        var credentialsFile: String?
        var tlsCertificate: String?
        var tlsKey: String?
    }

    /// A certificate that ends within this time is warned about.
    private static let expiryNotice: TimeInterval = 14 * 24 * 60 * 60

    /// `nil` on loopback without credentials, where every request of this machine is served.
    let gate: AccessGate?
    /// `nil` for plain HTTP.
    let tls: TLSIdentity?

    var scheme: String { tls == nil ? "http" : "https" }

    /// - Throws: `CommandFailure` when a file cannot be used.
    init(_ settings: Settings, listen: ListenAddress, region: String, logger: Logger) throws {
        tls = try Self.identity(settings, logger)
        let isEncrypted = tls != nil
        gate = try settings.credentialsFile.map { path in
            let ring = try Self.keyRing(path, logger)
            return AccessGate(
                verifier: SignatureVerifier(
                    region: region,
                    keys: { ring.key($0) },
                    now: { SigningTime(Date()) }
                ),
                isEncrypted: isEncrypted
            )
        }
        if !isEncrypted, !listen.isLoopback {
            logger.warning(
                "endpoint is not encrypted",
                metadata: [
                    "listen": "\(listen)",
                    "hint":
                        "signatures keep requests from being changed, not from being read: pass --tls-cert and --tls-key",
                ]
            )
        }
    }

    private static func keyRing(_ path: String, _ logger: Logger) throws -> KeyRing {
        do {
            return try KeyRing(CredentialsFile(path: path)) { change in
                switch change {
                case .read(let keyCount):
                    logger.info(
                        "credentials read anew",
                        metadata: ["file": "\(path)", "keys": "\(keyCount)"]
                    )
                case .refused(let unusable):
                    logger.error(
                        "changed credentials cannot be used, the keys from before still count",
                        metadata: [
                            "file": "\(path)", "error": "\(unusable)", "hint": "\(unusable.hint ?? "")",
                        ]
                    )
                }
            }
        } catch let unusable as CredentialsUnusable {
            throw CommandFailure(
                messages: unusable.messages,
                hint: unusable.hint ?? "`millrace credentials add \(path) --role admin` makes one"
            )
        }
    }

    private static func identity(_ settings: Settings, _ logger: Logger) throws -> TLSIdentity? {
        guard let certificate = settings.tlsCertificate, let key = settings.tlsKey else { return nil }
        do {
            let identity = try TLSIdentity(certificatePath: certificate, keyPath: key) { change in
                switch change {
                case .read(let validity):
                    logger.info("TLS certificate read anew", metadata: ["certificate": "\(certificate)"])
                    warn(about: validity, certificate, logger)
                case .refused(let unusable):
                    logger.error(
                        "changed TLS certificate cannot be used, the one from before still counts",
                        metadata: ["certificate": "\(certificate)", "error": "\(unusable)"]
                    )
                }
            }
            warn(about: identity.validity, certificate, logger)
            return identity
        } catch let unusable as TLSUnusable {
            throw CommandFailure(unusable.message, hint: unusable.hint)
        }
    }

    private static func warn(about validity: Range<Date>, _ certificate: String, _ logger: Logger) {
        let now = Date()
        let metadata: Logger.Metadata = [
            "certificate": "\(certificate)", "from": "\(validity.lowerBound.formatted(.iso8601))",
            "until": "\(validity.upperBound.formatted(.iso8601))",
        ]
        if now < validity.lowerBound {
            logger.warning("TLS certificate is not valid yet", metadata: metadata)
        } else if validity.upperBound <= now {
            logger.warning("TLS certificate has expired", metadata: metadata)
        } else if validity.upperBound < now + expiryNotice {
            logger.warning("TLS certificate expires soon", metadata: metadata)
        }
    }
}
