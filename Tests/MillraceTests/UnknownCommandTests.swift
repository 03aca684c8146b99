import Testing

@testable import millrace

@Suite struct UnknownCommandTests {
    @Test(arguments: [
        ("strem list", "did you mean `millrace stream`?"),
        ("stream lst", "did you mean `millrace stream list`?"),
        ("serv --data x", "did you mean `millrace serve`?"),
        ("mapping creat f s", "did you mean `millrace mapping create`?"),
        ("function log f", "did you mean `millrace function logs`?"),
        ("lease wy k", "did you mean `millrace lease why`?"),
        ("worker drian w", "did you mean `millrace worker drain`?"),
        ("checkpoint xyzzy", "`millrace checkpoint --help` lists its commands"),
    ])
    func `a command that does not exist brings the nearest name`(line: String, hint: String) throws {
        let unknown = try #require(UnknownCommand(in: words(line), of: Millrace.self))

        #expect(unknown.failure.hint == hint)
    }

    @Test(arguments: ["", "stream", "stream put a b c", "--strem", "help strem", "serve strem"])
    func `other mistakes are not taken for a wrong command`(line: String) {
        #expect(UnknownCommand(in: words(line), of: Millrace.self) == nil)
    }

    private func words(_ line: String) -> [String] { line.split(separator: " ").map(String.init) }
}
