import CBytes

/// Where a partition key falls in the hash key space of 0 to 2^128 - 1, which the shards of a stream divide.
package enum HashKey {
    /// The MD5 of the key as a big-endian number.
    @inline(__always)
    package static func of(_ partitionKey: UnsafeRawBufferPointer) -> UInt128 {
        var high: UInt64 = 0
        var low: UInt64 = 0
        millrace_md5(partitionKey.baseAddress, partitionKey.count, &high, &low)
        return UInt128(high) << 64 | UInt128(low)
    }

    package static func of(_ partitionKey: String) -> UInt128 {
        var key = partitionKey
        return key.withUTF8 { of(UnsafeRawBufferPointer($0)) }
    }
}
