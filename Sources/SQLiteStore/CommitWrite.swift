import Foundation
import GRDB
import StreamCore

/// What one commit of one shard writes, encoded before the transaction that other shards wait for.
struct CommitWrite: Sendable {
    let lease: Lease
    private let checkpoint: Checkpoint?
    private let progress: ProgressChange
    private let failures: [FailureColumns]

    private enum ProgressChange {
        case keep, delete
        case set(ProgressColumns)
    }

    init(_ commit: ShardCommit, under lease: Lease) throws {
        self.lease = lease
        checkpoint = commit.checkpoint
        progress =
            switch commit.progress {
            case .keep: .keep
            case .set(.none): .delete
            case .set(let progress): .set(try ProgressColumns(progress))
            }
        failures = try commit.failures.map(FailureColumns.init)
    }

    /// What was given up may be delivered as soon as it is stored, and is not to be given up a second time under another
    /// name: such a commit is on disk when the call returns.
    var durability: SQLiteDatabase.Durability { failures.isEmpty ? .processCrash : .powerLoss }

    /// Runs inside the transaction that the writes of other shards share.
    ///
    /// The lease's row comes first: it finds out whether the lease is still held, and nothing else may be written if not.
    ///
    /// - Returns: `false` when the lease is lost. Nothing was written then.
    func apply(in db: Database) throws -> Bool {
        guard try writeLease(in: db) else { return false }
        let (mapping, shard) = (lease.key.mapping.text, lease.key.shard.text)
        switch progress {
        case .keep: break
        case .delete:
            let statement = try db.cachedStatement(sql: LeaseSQL.deleteProgress)
            try statement.execute(arguments: [mapping, shard])
        case .set(let progress):
            let statement = try db.cachedStatement(sql: LeaseSQL.setProgress)
            try statement.execute(arguments: [mapping, shard, progress.json, progress.windowState])
        }
        for failure in failures { try failure.insert(in: db) }
        return true
    }

    private func writeLease(in db: Database) throws -> Bool {
        guard let checkpoint else {
            let statement = try db.cachedStatement(sql: LeaseSQL.touch)
            try statement.execute(arguments: lease.fence)
            return db.changesCount > 0
        }
        let statement = try db.cachedStatement(sql: LeaseSQL.checkpoint)
        statement.setUncheckedArguments([
            checkpoint.description, checkpoint.startTimestamp, checkpoint.columnRank,
            lease.key.mapping.text, lease.key.shard.text, lease.owner.text, Int64(bitPattern: lease.counter),
        ])
        try statement.execute()
        return db.changesCount > 0
    }
}

/// A shard's progress as the columns of the table `progress` hold it.
struct ProgressColumns: Sendable {
    let json: String
    /// Apart: as JSON each of its bytes would be a number.
    let windowState: Data?

    init(_ progress: ShardProgress) throws {
        var rest = progress
        rest.window?.state = []
        json = String(decoding: try JSONEncoder().encode(rest), as: UTF8.self)
        windowState = progress.window.map { Data($0.state) }
    }

    init(row: Row) {
        json = row[0]
        windowState = row[1]
    }

    func progress() throws -> ShardProgress {
        var progress = try JSONDecoder().decode(ShardProgress.self, from: Data(json.utf8))
        progress.window?.state = windowState.map(Array.init) ?? []
        return progress
    }
}
