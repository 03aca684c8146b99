import Foundation
import StreamCore

/// A file: one line of JSON for each failure, what a bucket would get.
///
/// A line counts once it is on the disk. A line that a crash has torn stays as it is, on a line of its own; its
/// failure is delivered again.
struct FileDestination: FailureDestination {
    let path: String
    /// How long other writers may hold the file.
    var lockWait = Duration.seconds(5)

    func deliver(_ failure: BatchFailure) async throws {
        let line = FailureRecord.withPayload(of: failure) + [UInt8(ascii: "\n")]
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            // A disk that hangs holds up this thread and no task.
            Thread.detachNewThread {
                continuation.resume(
                    with: Result { try AppendedFile.append(line, to: path, lockWait: lockWait) }
                )
            }
        }
    }
}
