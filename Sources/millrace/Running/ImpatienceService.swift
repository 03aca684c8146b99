import Foundation
import Logging
import ServiceLifecycle
import StreamCore
import UnixSignals

/// Says what a host that was told to stop waits for, and ends it at once when it is told so again.
///
/// Ending at once is safe: handlers die with the host, and the batches in flight run again at the next start.
struct ImpatienceService: Service {
    let running: RunningMappings
    let deployments: Deployments
    let logger: Logger

    func run() async throws {
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        await cancelWhenGracefulShutdown {
            var isFirst = true
            for await signal in signals {
                guard isFirst else {
                    logger.warning("ended without waiting", metadata: ["signal": "\(signal)"])
                    exit(1)
                }
                isFirst = false
                running.drain()
                logger.info(
                    "shutting down",
                    metadata: [
                        "batches": "\(deployments.busyProcesses)", "longest": "\(deployments.longestWait)",
                        "hint": "a second signal ends the process without waiting",
                    ]
                )
            }
        }
    }
}
