import Dispatch
import HandlerWire
import Synchronization

/// Runs a function in this process: one batch after the other, until the host closes the channel.
struct FunctionServer<Function: StreamFunction>: Sendable {
    let channel: FunctionChannel

    /// Blocks the calling thread until it is over.
    func run() -> Int32 {
        let ended = DispatchSemaphore(value: 0)
        let code = ExitCode()
        Task.detached {
            code.set(await serve())
            ended.signal()
        }
        ended.wait()
        return code.value
    }

    /// The function's whole life.
    ///
    /// It is one task, so that a batch costs no task and no hop. Between batches the task blocks its thread
    /// in `read`, when there is nothing of the function left to run.
    private func serve() async -> Int32 {
        var function: Function
        do {
            function = try Function()
        } catch {
            _ = channel.send(PluginMessage.helloFrame(initError: String(describing: error)))
            return 1
        }
        guard channel.send(PluginMessage.helloFrame(initError: nil)) else { return 0 }

        var spare: FrameBuffer?
        while true {
            do throws(PluginFrameError) {
                guard let invocation = try channel.nextInvocation(reusing: &spare) else { return 0 }
                let answer = await invoke(&function, with: invocation)
                guard channel.send(answer.frame) else { return 0 }
                spare = invocation.buffer
            } catch {
                LogOutput.write(Array("the host sent \(error)\n".utf8))
                return 1
            }
        }
    }

    private func invoke(
        _ function: inout Function,
        with invocation: FunctionChannel.Invocation
    ) async -> PluginAnswer {
        let number = invocation.header.number
        let batch = RecordBatch(header: invocation.header, buffer: invocation.buffer)
        let context = InvocationContext(header: invocation.header, start: .now)
        do {
            let response = try await function.handle(batch, context: context)
            let state = context.window == nil ? nil : try response.checkedState()
            let failed = try response.firstFailed(in: batch)
            return PluginAnswer(
                number: number,
                result: failed.map { .failedFrom($0) } ?? .succeeded,
                state: state
            )
        } catch {
            let type = String(describing: type(of: error))
            return PluginAnswer(
                number: number,
                result: .failed(type: type, message: String(describing: error))
            )
        }
    }
}

/// Carries the exit code from the function's task to the thread that waits for it.
private final class ExitCode: Sendable {
    private let code = Mutex<Int32>(0)

    var value: Int32 { code.withLock { $0 } }
    func set(_ value: Int32) { code.withLock { $0 = value } }
}
