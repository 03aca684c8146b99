import CCurl
import Crypto
import Foundation

/// One libcurl handle, used by one thread at a time.
///
/// Unchecked: whoever has taken it from the idle ones is its only user.
final class CurlHandle: @unchecked Sendable {
    /// What a server that ignores `Expect: 100-continue` costs for a body over 1 MiB.
    ///
    /// The header cannot be left out: libcurl signs it first and drops it then.
    private static let expectTimeoutMilliseconds = 100

    static let isReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

    let handle: UnsafeMutableRawPointer
    private var headers: UnsafeMutablePointer<curl_slist>?

    init?() {
        guard Self.isReady, let handle = curl_easy_init() else { return nil }
        self.handle = handle
    }

    deinit {
        curl_easy_cleanup(handle)
        curl_slist_free_all(headers)
    }

    /// Sets everything for one transfer.
    ///
    /// - Parameters:
    ///   - body: Stays where it is until the transfer is over.
    ///   - hasOwnConnection: No other transfer uses the connection, before or after.
    ///   - context: What the sinks are handed; not retained.
    func prepare(
        _ request: ClientRequest,
        body: UnsafeRawBufferPointer,
        signing: AWSSigning?,
        limits: HTTPClient.Limits,
        caFile: String?,
        hasOwnConnection: Bool,
        sinks: (header: millrace_curl_sink, body: millrace_curl_sink, context: UnsafeMutableRawPointer)
    ) {
        // Forgets the options of the request before and keeps the connection.
        curl_easy_reset(handle)
        setHeaders(of: request, body: body, signing: signing)
        set(CURLOPT_URL, request.url)
        set(CURLOPT_CUSTOMREQUEST, request.method)
        set(CURLOPT_NOSIGNAL, 1)
        set(CURLOPT_TIMEOUT_MS, limits.time.milliseconds)
        set(CURLOPT_CONNECTTIMEOUT_MS, min(limits.time, limits.connecting).milliseconds)
        set(CURLOPT_EXPECT_100_TIMEOUT_MS, Self.expectTimeoutMilliseconds)
        if request.version == .http2 {
            // Over TLS the server is asked, which is what libcurl does by itself.
            let isPlain = request.url.hasPrefix("http://")
            if isPlain { set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE)) }
        }
        if hasOwnConnection {
            set(CURLOPT_FRESH_CONNECT, 1)
            set(CURLOPT_FORBID_REUSE, 1)
        }
        if let silence = limits.silence {
            set(CURLOPT_LOW_SPEED_LIMIT, 1)
            set(CURLOPT_LOW_SPEED_TIME, max(1, silence.milliseconds / 1_000))
        }
        // A request for this machine must not go through a proxy that the environment names.
        set(CURLOPT_NOPROXY, "localhost,127.0.0.1,::1,169.254.169.254,169.254.170.2,169.254.170.23")
        if let caFile { set(CURLOPT_CAINFO, caFile) }
        if let signing {
            set(CURLOPT_AWS_SIGV4, "aws:amz:\(signing.region):\(signing.service)")
            set(CURLOPT_USERNAME, signing.credentials.accessKeyID)
            set(CURLOPT_PASSWORD, signing.credentials.secretAccessKey)
        }
        if !body.isEmpty || request.method != "GET" {
            millrace_curl_set_body(handle, body.baseAddress, body.count)
        }
        millrace_curl_set_sinks(handle, sinks.header, sinks.body, sinks.context)
    }

    private func setHeaders(of request: ClientRequest, body: UnsafeRawBufferPointer, signing: AWSSigning?) {
        curl_slist_free_all(headers)
        headers = nil
        for header in request.headers {
            headers = curl_slist_append(headers, "\(header.name): \(header.value)")
        }
        if let token = signing?.credentials.sessionToken {
            headers = curl_slist_append(headers, "X-Amz-Security-Token: \(token)")
        }
        if signing?.service == "s3" {
            // S3 asks for it; libcurl 7.88 leaves it out, and signs with what it finds here.
            headers = curl_slist_append(headers, "X-Amz-Content-Sha256: \(Self.sha256(of: body))")
        }
        millrace_curl_set_headers(handle, headers)
    }

    /// Carries out what was prepared, on the calling thread.
    func perform() -> CURLcode { curl_easy_perform(handle) }

    var status: Int { Int(millrace_curl_status(handle)) }

    private static func sha256(of bytes: UnsafeRawBufferPointer) -> String {
        SHA256.hash(data: bytes).map { String(format: "%02x", $0) }.joined()
    }

    private func set(_ option: CURLoption, _ value: Int) {
        millrace_curl_set_number(handle, option, value)
    }

    private func set(_ option: CURLoption, _ value: String) {
        millrace_curl_set_text(handle, option, value)
    }

    func failure(_ code: CURLcode, url: String, limits: HTTPClient.Limits) -> HTTPFailure {
        let reason = String(cString: curl_easy_strerror(code))
        return switch code {
        case CURLE_COULDNT_CONNECT where millrace_curl_was_refused(handle): .connectionRefused(url: url)
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE: .untrusted(url: url, reason: reason)
        case CURLE_OPERATION_TIMEDOUT: .timedOut(url: url, after: limits.time)
        default: .failed(url: url, reason: reason)
        }
    }
}

extension Duration {
    fileprivate var milliseconds: Int {
        let (seconds, attoseconds) = components
        return Int(seconds) * 1_000 + Int(attoseconds / 1_000_000_000_000_000)
    }
}
