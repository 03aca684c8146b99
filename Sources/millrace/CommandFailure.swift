import Foundation

/// A command could not do what it was asked: what is true, and what to do next.
///
/// Exit code 1.
struct CommandFailure: Error {
    let messages: [String]
    let hint: String?
    /// A call got no answer: what it asked for may have been done.
    let isUnanswered: Bool

    init(_ messages: String..., hint: String? = nil, isUnanswered: Bool = false) {
        self.init(messages: messages, hint: hint, isUnanswered: isUnanswered)
    }

    init(messages: [String], hint: String? = nil, isUnanswered: Bool = false) {
        self.messages = messages
        self.hint = hint
        self.isUnanswered = isUnanswered
    }

    func report() {
        for message in messages { printError("error: \(message)") }
        if let hint { printError("hint: \(hint)") }
    }
}

/// Prints one line on stderr, where commands talk; stdout is for data.
func printError(_ line: String) {
    FileHandle.standardError.write(Data("\(line)\n".utf8))
}
