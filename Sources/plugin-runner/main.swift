// Loads a function from a dynamic library and runs it. Only a C function with a file descriptor crosses the
// boundary, so the library may have been built apart from this program, by another compiler and against another
// version.
@preconcurrency import Glibc

private func fail(_ message: String, code: Int32) -> Never {
    fputs("plugin-runner: \(message)\n", stderr)
    exit(code)
}

guard CommandLine.arguments.count == 2 else { fail("usage: plugin-runner LIBRARY", code: 64) }
let path = CommandLine.arguments[1]

// Standard output is a pipe: without this, printed lines would arrive thousands of bytes late.
setvbuf(stdout, nil, _IOLBF, 0)

guard let library = dlopen(path, RTLD_NOW | RTLD_LOCAL) else {
    let reason = dlerror().map { String(cString: $0) } ?? "unknown error"
    fail("library \(path) cannot be loaded: \(reason)", code: 66)
}
guard let symbol = dlsym(library, "millrace_function") else {
    fail("library \(path) does not export the C function millrace_function", code: 65)
}
let function = unsafeBitCast(symbol, to: (@convention(c) (Int32) -> Int32).self)
exit(function(3))
