#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Where the results go: a file in the folder that the environment variable `OUTPUT_DIRECTORY` names, else standard output, which the
/// host keeps in the function's log.
struct ResultFile {
    struct Failure: Error, CustomStringConvertible {
        let path: String
        let code: Int32

        var description: String { "cannot write \(path): \(String(cString: strerror(code)))" }
    }

    private let path: String
    private let descriptor: Int32

    init(name: String) throws {
        guard let directory = getenv("OUTPUT_DIRECTORY") else {
            path = "standard output"
            descriptor = STDOUT_FILENO
            return
        }
        path = "\(String(cString: directory))/\(name)"
        descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw Failure(path: path, code: errno) }
    }

    /// Adds a line, in one write: lines of processes that run side by side do not mix.
    func append(_ line: String) throws {
        var line = line + "\n"
        let written = line.withUTF8 { write(descriptor, $0.baseAddress, $0.count) }
        guard written == line.utf8.count else { throw Failure(path: path, code: errno) }
    }
}
