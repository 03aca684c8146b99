import Foundation

/// What the handlers of a run have written about themselves, each into a mapped file of one folder.
///
/// Reading the files costs the host and the handlers nothing.
struct HandlerCounters {
    var firstNanoseconds = UInt64.max
    var lastNanoseconds: UInt64 = 0
    var batches = 0
    /// Latencies in nanoseconds.
    var samples: [UInt64] = []

    init(folder: String) throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: folder)
        where name.hasSuffix(".counters") {
            guard let data = FileManager.default.contents(atPath: folder + "/" + name), data.count >= 64
            else { continue }
            data.withUnsafeBytes { bytes in
                func word(_ index: Int) -> UInt64 {
                    bytes.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self)
                }
                guard word(2) > 0 else { return }
                firstNanoseconds = min(firstNanoseconds, word(0))
                lastNanoseconds = max(lastNanoseconds, word(1))
                batches += Int(word(2))
                samples += (0..<Int(word(5))).map { word(8 + $0) }
            }
        }
    }

    /// From the start of the first batch to the end of the last one.
    var seconds: Double { batches == 0 ? 0 : Double(lastNanoseconds - firstNanoseconds) / 1e9 }
}
