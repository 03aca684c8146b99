/// Measures time on a clock from the moment it was made.
package struct Stopwatch: Sendable {
    private let read: @Sendable () -> Duration

    package init(clock: some Clock<Duration>) {
        let start = clock.now
        read = { start.duration(to: clock.now) }
    }

    package var elapsed: Duration { read() }
}
