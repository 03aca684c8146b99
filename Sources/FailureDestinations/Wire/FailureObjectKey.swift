package import StreamCore

/// The key under which a failure lies in a bucket: Lambda's.
///
/// Made of nothing but the failure, so that delivering it again overwrites its object.
package enum FailureObjectKey {
    package static func key(of failure: BatchFailure) -> String {
        let date = UTCDate(failure.time)
        let moment = "\(date.day("-"))T\(date.time("."))"
        return "aws/lambda/\(failure.mapping)/\(failure.shard)/\(date.day("/"))/\(moment)-\(failure.id)"
    }
}
