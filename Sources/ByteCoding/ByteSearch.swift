import Glibc

extension UnsafeRawBufferPointer {
    /// Whether these bytes stand somewhere in it, one after the other.
    package func contains(bytes wanted: [UInt8]) -> Bool {
        guard let first = wanted.first else { return true }
        guard var place = baseAddress else { return false }
        let end = place + count
        while end - place >= wanted.count,
            let found = memchr(place, Int32(first), end - place - wanted.count + 1)
        {
            if memcmp(found, wanted, wanted.count) == 0 { return true }
            place = UnsafeRawPointer(found) + 1
        }
        return false
    }
}
