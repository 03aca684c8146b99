import Testing

/// The real binary, real functions and real clients.
///
/// One test at a time: each has hosts and handlers of its own.
@Suite(.serialized, .timeLimit(.minutes(30)))
enum EndToEnd {}
