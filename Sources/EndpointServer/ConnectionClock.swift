import NIOCore
import NIOHTTPTypes

/// Where a connection stands, and until when its client must have done the next step.
///
/// Times are those of any one clock; only their distances count.
struct ConnectionClock {
    private enum Step {
        /// Nothing of a next request has come.
        case idle(since: Duration)
        case header(since: Duration)
        case body(since: Duration, bytes: Int)
        /// The request is there as a whole; what is missing is the host's answer.
        case answering
    }

    private let limits: EndpointLimits
    private var step: Step
    private var answersOwed = 0
    private var hasReadPart = false
    private var writingSince: Duration?
    private var unwrittenBytes = 0
    private var unwrittenParts = 0

    init(limits: EndpointLimits, now: Duration) {
        self.limits = limits
        step = .idle(since: now)
    }

    /// No request has begun, or none whose header is complete.
    var isBetweenRequests: Bool {
        switch step {
        case .idle, .header: answersOwed == 0
        case .body, .answering: false
        }
    }

    /// When the client has taken too long; `nil` while it is not its turn.
    var deadline: Duration? {
        [readingDeadline, writingSince.map { $0 + limits.patience(for: unwrittenBytes) }].compactMap(\.self)
            .min()
    }

    /// More than any request holds.
    var isBodyTooLarge: Bool {
        if case .body(_, let bytes) = step { bytes > limits.bodyBytes } else { false }
    }

    private var readingDeadline: Duration? {
        switch step {
        case .idle(let since): since + limits.idle
        case .header(let since): since + limits.header
        // A body behind a request that is not answered yet waits for us, not we for it.
        case .body(let since, let bytes): answersOwed <= 1 ? since + limits.patience(for: bytes) : nil
        case .answering: nil
        }
    }

    mutating func read(_ part: HTTPRequestPart, at now: Duration) {
        hasReadPart = true
        switch part {
        case .head:
            answersOwed += 1
            step = .body(since: now, bytes: 0)
        case .body(let bytes):
            if case .body(let since, let count) = step {
                step = .body(since: since, bytes: count + bytes.readableBytes)
            }
        case .end:
            step = answersOwed > 0 ? .answering : .idle(since: now)
        }
    }

    /// Everything that had arrived has been read: without a part of a request, it was a part of a header.
    mutating func readCompleted(at now: Duration) {
        if case .idle = step, !hasReadPart { step = .header(since: now) }
        hasReadPart = false
    }

    mutating func answerEnded(at now: Duration) {
        answersOwed -= 1
        switch step {
        case .answering where answersOwed == 0: step = .idle(since: now)
        // Its turn only begins now.
        case .body(_, let bytes) where answersOwed == 1: step = .body(since: now, bytes: bytes)
        default: break
        }
    }

    mutating func writing(_ bytes: Int, at now: Duration) {
        if unwrittenParts == 0 { writingSince = now }
        unwrittenParts += 1
        unwrittenBytes += bytes
    }

    mutating func wrote(_ bytes: Int, at now: Duration) {
        unwrittenParts -= 1
        unwrittenBytes -= bytes
        writingSince = unwrittenParts == 0 ? nil : now
    }
}
