/// What the Kinesis API allows.
package enum KinesisLimits {
    /// Of one record's payload, before base64: 10 MiB.
    package static let payloadBytes = 10 * 1024 * 1024
    /// Of all payloads and partition keys in one PutRecords: 10 MiB.
    package static let putRecordsBytes = 10 * 1024 * 1024
    package static let putRecordsCount = 500
    package static let partitionKeyCharacters = 256
    /// Of one GetRecords answer, payloads and partition keys: 10 MiB.
    package static let getRecordsBytes = 10 * 1024 * 1024
    package static let getRecordsCount = 10_000
    /// The largest request: 10 MiB of payload in base64, and room for keys and whitespace.
    package static let requestBytes = 16 * 1024 * 1024
    package static let hashKeyPattern = #"0|([1-9]\d{0,38})"#
}
