/// How much of an endpoint one client may use, and for how long.
package struct EndpointLimits: Sendable {
    /// Open at once.
    ///
    /// One more closes the connection that has been idle longest, or is closed itself when none is idle.
    package var connections = 512
    /// Of all header fields of a request together, and of each alone.
    package var headerBytes = 32 * 1024
    package var headerCount = 100
    /// More than the largest request of any API: whoever sends on after being refused is cut off here.
    package var bodyBytes = 80 * 1024 * 1024
    /// From one request's answer to the first byte of the next.
    package var idle = Duration.seconds(120)
    /// From the first byte of a request, or of a TLS handshake, to the end of the header.
    package var header = Duration.seconds(15)
    /// A body and an answer may take this long, and a second more for every `minimumBytesPerSecond`.
    package var patience = Duration.seconds(30)
    package var minimumBytesPerSecond = 16 * 1024
    /// Requests at once on one HTTP/2 connection, and on all of them.
    package var streamsPerConnection = 100
    package var streams = 16_384
    /// What a client may send of one body, and of all bodies on its HTTP/2 connection, before it is read.
    package var streamWindowBytes = 256 * 1024
    package var connectionWindowBytes = 1024 * 1024
    /// Of an answer on HTTP/2 that waits for its client: more is not taken from whoever writes it.
    package var unsentBytes = 64 * 1024

    package init() {}

    func patience(for bytes: Int) -> Duration {
        patience + .milliseconds(bytes * 1_000 / minimumBytesPerSecond)
    }
}
