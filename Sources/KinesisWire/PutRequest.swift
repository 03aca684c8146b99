package import StreamCore

/// A PutRecord or PutRecords request, decoded.
package struct PutRequest: Sendable {
    package let stream: StreamReference
    /// At least one, each within `KinesisLimits`; partition keys are valid UTF-8.
    package let records: NewRecords
    /// PutRecord only: the record's number is to be larger than this one.
    package let sequenceNumberForOrdering: String?

    package init(stream: StreamReference, records: NewRecords, sequenceNumberForOrdering: String? = nil) {
        self.stream = stream
        self.records = records
        self.sequenceNumberForOrdering = sequenceNumberForOrdering
    }
}
