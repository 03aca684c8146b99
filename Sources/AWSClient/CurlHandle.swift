import CCurl
import Crypto
import Foundation

/// One libcurl handle with its open connection, used by one thread at a time.
///
/// Unchecked: the pool hands a handle to one caller and takes it back afterwards.
final class CurlHandle: @unchecked Sendable {
    /// What a server that ignores `Expect: 100-continue` costs for a body over 1 MiB.
    ///
    /// The header cannot be left out: libcurl signs it first and drops it then.
    private static let expectTimeoutMilliseconds = 100

    private static let isReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

    private let handle: UnsafeMutableRawPointer

    init?() {
        guard Self.isReady, let handle = curl_easy_init() else { return nil }
        self.handle = handle
    }

    deinit {
        curl_easy_cleanup(handle)
    }

    func perform(
        _ request: ClientRequest,
        signing: AWSSigning?,
        limits: HTTPClient.Limits,
        caFile: String?,
        cancellation: HTTPCancellation?
    ) throws(HTTPFailure) -> ClientResponse {
        // Forgets the options of the request before and keeps the connection.
        curl_easy_reset(handle)
        var headers: UnsafeMutablePointer<curl_slist>?
        defer { curl_slist_free_all(headers) }
        for header in request.headers {
            headers = curl_slist_append(headers, "\(header.name): \(header.value)")
        }
        if let token = signing?.credentials.sessionToken {
            headers = curl_slist_append(headers, "X-Amz-Security-Token: \(token)")
        }
        if signing?.service == "s3" {
            // S3 asks for it; libcurl 7.88 leaves it out, and signs with what it finds here.
            headers = curl_slist_append(headers, "X-Amz-Content-Sha256: \(Self.sha256(of: request.body))")
        }
        millrace_curl_set_headers(handle, headers)
        set(CURLOPT_URL, request.url)
        set(CURLOPT_CUSTOMREQUEST, request.method)
        set(CURLOPT_NOSIGNAL, 1)
        set(CURLOPT_TIMEOUT_MS, limits.time.milliseconds)
        set(CURLOPT_EXPECT_100_TIMEOUT_MS, Self.expectTimeoutMilliseconds)
        // A request for this machine must not go through a proxy that the environment names.
        set(CURLOPT_NOPROXY, "localhost,127.0.0.1,::1")
        if let caFile { set(CURLOPT_CAINFO, caFile) }
        sign(with: signing)
        // Not retained by libcurl: the caller's reference outlives the transfer.
        let watched = cancellation.map { Unmanaged.passUnretained($0).toOpaque() }
        if let watched { millrace_curl_set_watch(handle, HTTPCancellation.watch, watched) }

        var reply = Reply(maximumBytes: limits.responseBytes)
        let code = request.body.withUnsafeBytes { body in
            if !body.isEmpty || request.method != "GET" {
                millrace_curl_set_body(handle, body.baseAddress, body.count)
            }
            return withUnsafeMutablePointer(to: &reply) { reply in
                millrace_curl_set_sinks(handle, Reply.takeHeader, Reply.takeBody, reply)
                return curl_easy_perform(handle)
            }
        }
        guard !reply.isTooLong else {
            throw .failed(url: request.url, reason: "the answer exceeds \(limits.responseBytes) bytes")
        }
        guard code == CURLE_OK else { throw failure(code, url: request.url, timeout: limits.time) }
        return ClientResponse(
            status: Int(millrace_curl_status(handle)),
            headers: reply.headers,
            body: reply.body
        )
    }

    private static func sha256(of bytes: [UInt8]) -> String {
        SHA256.hash(data: bytes).map { String(format: "%02x", $0) }.joined()
    }

    private func sign(with signing: AWSSigning?) {
        guard let signing else { return }
        set(CURLOPT_AWS_SIGV4, "aws:amz:\(signing.region):\(signing.service)")
        set(CURLOPT_USERNAME, signing.credentials.accessKeyID)
        set(CURLOPT_PASSWORD, signing.credentials.secretAccessKey)
    }

    private func set(_ option: CURLoption, _ value: Int) {
        millrace_curl_set_number(handle, option, value)
    }

    private func set(_ option: CURLoption, _ value: String) {
        millrace_curl_set_text(handle, option, value)
    }

    private func failure(_ code: CURLcode, url: String, timeout: Duration) -> HTTPFailure {
        switch code {
        case CURLE_COULDNT_CONNECT where millrace_curl_was_refused(handle): .connectionRefused(url: url)
        case CURLE_ABORTED_BY_CALLBACK: .cancelled(url: url)
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE:
            .untrusted(url: url, reason: String(cString: curl_easy_strerror(code)))
        case CURLE_OPERATION_TIMEDOUT: .timedOut(url: url, after: timeout)
        default: .failed(url: url, reason: String(cString: curl_easy_strerror(code)))
        }
    }
}

/// What arrives during one transfer.
private struct Reply {
    /// A length that a server announces is believed up to here; more grows as it arrives.
    private static let maximumReservedBytes = 64 * 1024 * 1024

    /// Of the header lines and the body together.
    let maximumBytes: Int
    private var receivedBytes = 0
    private(set) var isTooLong = false
    private(set) var headers: [String: String] = [:]
    private(set) var body: [UInt8] = []

    init(maximumBytes: Int) { self.maximumBytes = maximumBytes }

    static let takeHeader: millrace_curl_sink = { bytes, size, count, context in
        guard let bytes, let context else { return 0 }
        guard context.assumingMemoryBound(to: Reply.self).pointee.hasRoom(for: size * count) else { return 0 }
        let line = String(decoding: UnsafeRawBufferPointer(start: bytes, count: size * count), as: UTF8.self)
        context.assumingMemoryBound(to: Reply.self).pointee.take(headerLine: line)
        return size * count
    }

    static let takeBody: millrace_curl_sink = { bytes, size, count, context in
        guard let bytes, let context else { return 0 }
        guard context.assumingMemoryBound(to: Reply.self).pointee.hasRoom(for: size * count) else { return 0 }
        let chunk = UnsafeRawBufferPointer(start: bytes, count: size * count)
        context.assumingMemoryBound(to: Reply.self).pointee.body.append(contentsOf: chunk)
        return size * count
    }

    /// Counts what has arrived; taking nothing of it ends the transfer.
    private mutating func hasRoom(for count: Int) -> Bool {
        receivedBytes += count
        isTooLong = receivedBytes > maximumBytes
        return !isTooLong
    }

    private mutating func take(headerLine line: String) {
        // A new status line: what came before belonged to a `100 Continue`.
        if line.hasPrefix("HTTP/") { headers = [:] }
        guard let colon = line.firstIndex(of: ":") else { return }
        let name = line[..<colon].lowercased()
        let value = line[line.index(after: colon)...].trimmingWhitespace()
        headers[name] = value
        if name == "content-length", let length = Int(value), length <= Self.maximumReservedBytes {
            body.reserveCapacity(length)
        }
    }
}

extension Substring {
    fileprivate func trimmingWhitespace() -> String {
        var text = self
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}

extension Duration {
    fileprivate var milliseconds: Int {
        let (seconds, attoseconds) = components
        return Int(seconds) * 1_000 + Int(attoseconds / 1_000_000_000_000_000)
    }
}
