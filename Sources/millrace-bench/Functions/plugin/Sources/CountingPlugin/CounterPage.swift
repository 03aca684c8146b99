import Glibc

/// What this process has handled, in a file of the folder `BENCH_DIRECTORY` that the benchmark reads in memory while it grows.
///
/// Words of 8 bytes: start of the first batch, end of the last one (nanoseconds of the monotonic clock), batches, records, payload bytes,
/// number of samples, two unused, then the samples.
struct CounterPage {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    static let bytes = 65_536
    private static let firstSample = 8
    private static let sampleCapacity = bytes / 8 - firstSample

    private let words: UnsafeMutablePointer<UInt64>

    init() throws {
        guard let directory = getenv("BENCH_DIRECTORY") else {
            throw Failure(description: "BENCH_DIRECTORY is not set")
        }
        let path = "\(String(cString: directory))/\(getpid()).counters"
        let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0, ftruncate(file, off_t(Self.bytes)) == 0,
            let memory = mmap(nil, Self.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0),
            memory != MAP_FAILED
        else { throw Failure(description: "cannot map \(path): error \(errno)") }
        close(file)
        words = memory.bindMemory(to: UInt64.self, capacity: Self.bytes / 8)
    }

    static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    func add(records: UInt64, payloadBytes: UInt64, from start: UInt64) {
        if words[2] == 0 { words[0] = start }
        words[1] = Self.now()
        words[3] += records
        words[4] += payloadBytes
        words[2] += 1
    }

    func addSample(_ nanoseconds: UInt64) {
        let count = Int(words[5])
        guard count < Self.sampleCapacity else { return }
        words[Self.firstSample + count] = nanoseconds
        words[5] += 1
    }
}
