import ManagementAPI

extension HostClient: LeaseInspection {
    func leases(of mapping: String?) async throws -> [LeaseSummary] {
        let query = mapping.map { "?mapping=\($0)" } ?? ""
        return try await management("GET", "leases\(query)", as: [LeaseSummary].self)
    }

    func workers() async throws -> [WorkerSummary] {
        try await management("GET", "workers", as: [WorkerSummary].self)
    }

    func release(_ lease: LeaseSummary) async throws -> LeaseSummary {
        try await management("POST", "\(lease.path)/release", as: LeaseSummary.self)
    }

    func drain(_ worker: String) async throws -> WorkerSummary {
        try await management("POST", "workers/\(worker.pathPart)/drain", as: WorkerSummary.self)
    }
}
