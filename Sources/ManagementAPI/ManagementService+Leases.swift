import Foundation
import StreamCore

extension ManagementService {
    /// `GET leases?mapping=ID`.
    func leases(_ query: [String: String]) async throws -> Answer {
        guard let inspection = host.inspection else { return refuseInspection() }
        if let unknown = query.keys.filter({ $0 != "mapping" }).min() {
            return refuse(400, ["no such parameter: \(unknown); leases take mapping"])
        }
        return try answer(200, try await inspection.leases(of: query["mapping"]))
    }

    /// `POST leases/MAPPING/SHARD/release` answers the lease as it was before.
    func release(mapping: String, shard: String) async throws -> Answer {
        guard let inspection = host.inspection else { return refuseInspection() }
        let lease = try await inspection.leases(of: mapping).first { $0.shard == shard }
        guard let lease else { return refuse(404, ["there is no lease \(mapping)/\(shard)"]) }
        return try answer(200, try await inspection.release(lease))
    }

    /// `GET workers`.
    func workers() async throws -> Answer {
        guard let inspection = host.inspection else { return refuseInspection() }
        return try answer(200, try await inspection.workers())
    }

    /// `POST workers/NAME/drain` answers the worker as it is now.
    func drain(_ worker: String) async throws -> Answer {
        guard let inspection = host.inspection else { return refuseInspection() }
        return try answer(202, try await inspection.drain(worker.removingPercentEncoding ?? worker))
    }

    private func refuseInspection() -> Answer { refuse(501, ["this host has no leases to show"]) }
}
