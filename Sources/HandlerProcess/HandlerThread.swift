import Foundation

/// A thread of the operating system for one handler: it blocks, so it must not be one of the concurrency pool's.
enum HandlerThread {
    private static let stackBytes = 512 << 10

    static func start(_ body: @escaping @Sendable () -> Void) {
        let thread = Thread(block: body)
        thread.name = "handler"
        thread.stackSize = stackBytes
        thread.start()
    }
}
