import EmbeddedLog
import ManagementAPI

extension ManagedRetention {
    /// The retention of the streams of a log.
    init(of log: EmbeddedLog) {
        self.init(
            limits: Retention.hourLimits,
            hours: { name in
                switch try log.stream(name).retention {
                case .hours(let hours): hours
                case .unlimited: nil
                }
            },
            setHours: { name, hours in
                try log.stream(name).setRetention(hours.map(Retention.hours) ?? .unlimited)
            }
        )
    }
}
