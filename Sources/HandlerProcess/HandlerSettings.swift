package import FunctionLogs
package import Logging
package import StreamCore

import Foundation

/// What every function's handlers on this host have in common.
package struct HandlerSettings: Sendable {
    /// Where what functions print is kept.
    package let logs: FunctionLogs
    /// The Python that runs `python3…` functions: a path, or a name in `PATH`; it needs the package awslambdaric.
    package var python: String
    /// The program that loads Swift plugins.
    package var pluginRunner: String
    package var names: ResourceNames
    /// Added to the environment of every function, over its own.
    package var environment: [String: String]
    /// How long a process may take before it asks for work: 10 s, as on Lambda.
    package var startTimeout: Duration
    /// How long a killed process and what it has started may take to end: one that has become another user cannot be
    /// killed.
    package var endLimit: Duration
    /// How many processes of a fast plugin are worth having.
    package var processors: Int
    package var logger: Logger
    /// The time since some fixed moment, by which invocations and the waits between starts are measured.
    let elapsed: @Sendable () -> Duration

    package init(
        logs: FunctionLogs,
        python: String = "python3",
        pluginRunner: String = HandlerSettings.siblingPluginRunner,
        names: ResourceNames = ResourceNames(),
        environment: [String: String] = [:],
        startTimeout: Duration = .seconds(10),
        logger: Logger = Logger(label: "millrace.handlers"),
        clock: some Clock<Duration> = ContinuousClock()
    ) {
        self.logs = logs
        self.python = python
        self.pluginRunner = pluginRunner
        self.names = names
        self.environment = environment
        self.logger = logger
        self.startTimeout = startTimeout
        endLimit = .seconds(5)
        processors = max(1, ProcessInfo.processInfo.activeProcessorCount)
        let start = clock.now
        elapsed = { start.duration(to: clock.now) }
    }

    /// `plugin-runner` next to the running program, where the build and an installation put it.
    package static var siblingPluginRunner: String {
        let program = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(fileURLWithPath: program).deletingLastPathComponent().appendingPathComponent(
            "plugin-runner"
        ).path
    }
}
