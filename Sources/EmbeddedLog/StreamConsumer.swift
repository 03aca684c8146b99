package import StreamCore
import Synchronization

/// A named reader of a stream to which records are pushed.
package struct StreamConsumer: Codable, Hashable, Sendable {
    package let name: String
    package let created: Timestamp

    package init(name: String, created: Timestamp) {
        self.name = name
        self.created = created
    }
}

extension EmbeddedStream {
    /// In alphabetical order.
    package var consumers: [StreamConsumer] { description.withLock(\.consumers) ?? [] }

    /// Changes the consumers in one step, and keeps them with the stream.
    ///
    /// - Throws: What `body` throws, or `LogFileFailure`; nothing has changed then.
    package func changeConsumers(_ body: (inout [StreamConsumer]) throws -> Void) throws {
        try change { description in
            var consumers = description.consumers ?? []
            try body(&consumers)
            description.consumers = consumers.isEmpty ? nil : consumers.sorted { $0.name < $1.name }
        }
    }
}
