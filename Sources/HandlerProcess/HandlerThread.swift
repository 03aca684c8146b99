import CProcess

/// A thread of the operating system for one handler: it blocks, so it must not be one of the concurrency pool's.
enum HandlerThread {
    private static let stackBytes = 512 << 10

    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// - Throws: When the system has no thread left; `body` is not called then.
    static func start(_ body: @escaping @Sendable () -> Void) throws(SystemCallFailure) {
        let body = Unmanaged.passRetained(Body(run: body))
        let error = millrace_start_thread("handler", stackBytes, body.toOpaque()) { body in
            if let body { Unmanaged<Body>.fromOpaque(body).takeRetainedValue().run() }
            return nil
        }
        guard error == 0 else {
            body.release()
            throw SystemCallFailure(call: "pthread_create", error: error)
        }
    }
}
