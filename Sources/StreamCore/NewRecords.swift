/// Records on their way into a log: one byte buffer and a flat index, no sequence numbers yet.
package struct NewRecords: Sendable {
    package struct Entry: Hashable, Sendable {
        /// Decides the shard: the explicit hash key, else the MD5 of the partition key as a big-endian
        /// number.
        package let hashKey: UInt128
        /// Where the partition key starts; the payload follows it directly.
        package let offset: UInt32
        package let payloadBytes: UInt32
        package let keyBytes: UInt16

        package init(hashKey: UInt128, offset: UInt32, keyBytes: UInt16, payloadBytes: UInt32) {
            self.hashKey = hashKey
            self.offset = offset
            self.keyBytes = keyBytes
            self.payloadBytes = payloadBytes
        }
    }

    package var bytes: [UInt8]
    package var entries: [Entry]

    package init(bytes: [UInt8] = [], entries: [Entry] = []) {
        self.bytes = bytes
        self.entries = entries
    }

    package var count: Int { entries.count }

    /// Adds one record.
    ///
    /// For tests and small writers; the wire decoders fill the buffers directly.
    package mutating func append(partitionKey: String, hashKey: UInt128, payload: some Sequence<UInt8>) {
        let offset = UInt32(bytes.count)
        bytes += partitionKey.utf8
        let keyEnd = bytes.count
        bytes += payload
        entries.append(
            Entry(
                hashKey: hashKey,
                offset: offset,
                keyBytes: UInt16(keyEnd - Int(offset)),
                payloadBytes: UInt32(bytes.count - keyEnd)
            )
        )
    }
}
