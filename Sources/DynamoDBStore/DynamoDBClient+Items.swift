import StreamCore

extension DynamoDBClient {
    func item(_ key: Item, in table: String) async throws -> Item? {
        let request = GetRequest(TableName: table, Key: key)
        let item = try await call("GetItem", of: table, request, as: ItemAnswer.self).Item
        // An absent item comes as none, or as one without attributes.
        return item?.isEmpty == true ? nil : item
    }

    /// - Returns: The attributes that were asked for.
    @discardableResult
    func update(_ update: ItemUpdate) async throws -> Item {
        try await call("UpdateItem", of: update.TableName, update, as: ItemAnswer.self).Attributes ?? [:]
    }

    func put(_ put: ItemPut) async throws {
        try await call("PutItem", of: put.TableName, put)
    }

    func delete(_ delete: ItemDelete) async throws {
        try await call("DeleteItem", of: delete.TableName, delete)
    }

    func transact(_ items: [TransactionItem], token: String, of table: String) async throws {
        try await call(
            "TransactWriteItems",
            of: table,
            TransactionRequest(TransactItems: items, ClientRequestToken: token)
        )
    }

    /// All items that a query finds, or its first `limit`.
    func query(_ request: PageRequest, limit: Int = .max) async throws -> [Item] {
        var request = request
        var found: [Item] = []
        repeat {
            // Where a filter drops items a limit of the page would only make more pages.
            if limit < .max, request.FilterExpression == nil { request.Limit = limit - found.count }
            let page = try await call("Query", of: request.TableName, request, as: PageAnswer.self)
            found += page.Items ?? []
            request.ExclusiveStartKey = page.LastEvaluatedKey
        } while request.ExclusiveStartKey != nil && found.count < limit
        return found.count > limit ? Array(found.prefix(limit)) : found
    }

    /// One segment of a scan.
    func scan(_ request: PageRequest) async throws -> (items: [Item], pageCount: Int) {
        var request = request
        var found: [Item] = []
        var pageCount = 0
        repeat {
            let page = try await call("Scan", of: request.TableName, request, as: PageAnswer.self)
            found += page.Items ?? []
            pageCount += 1
            request.ExclusiveStartKey = page.LastEvaluatedKey
        } while request.ExclusiveStartKey != nil
        return (found, pageCount)
    }

    /// Puts or deletes items that no condition hangs on; what DynamoDB leaves over is sent again.
    func write(_ writes: [BatchRequest.Write], to table: String, together count: Int = 25) async throws {
        var rest = writes[...]
        while !rest.isEmpty {
            var batch = Array(rest.prefix(count))
            rest = rest.dropFirst(count)
            var rounds = 0
            while !batch.isEmpty {
                guard rounds < Self.maximumBatchRounds else {
                    throw StoreUnavailable(store: table, cause: WritesLeftOver(count: batch.count))
                }
                rounds += 1
                let answer = try await call(
                    "BatchWriteItem",
                    of: table,
                    BatchRequest(RequestItems: [table: batch]),
                    as: BatchAnswer.self
                )
                batch = answer.UnprocessedItems?[table] ?? []
            }
        }
    }

    private static let maximumBatchRounds = 20

    struct WritesLeftOver: Error, CustomStringConvertible {
        let count: Int
        var description: String { "\(count) writes were left over again and again: the table is throttled" }
    }
}

/// Runs the work for each element, at most `limit` at a time.
///
/// The first error is thrown when all have ended: one that fails keeps no other from its turn, until as many have failed
/// as run at a time. Then nothing works, and waiting for the rest would only take long.
func forEach<Element: Sendable, Result: Sendable>(
    _ elements: [Element],
    limit: Int,
    _ work: @escaping @Sendable (Element) async throws -> Result
) async throws -> [Result] {
    try await withThrowingTaskGroup(of: Swift.Result<Result, any Error>.self) { group in
        var waiting = elements[...]
        var results: [Result] = []
        var failure: (any Error)?
        var failureCount = 0
        func start() {
            guard failureCount < limit, let element = waiting.popFirst() else { return }
            group.addTask {
                do { return .success(try await work(element)) } catch { return .failure(error) }
            }
        }
        for _ in 0..<min(limit, elements.count) { start() }
        while let result = try await group.next() {
            switch result {
            case .success(let value): results.append(value)
            case .failure(let error):
                failure = failure ?? error
                failureCount += 1
            }
            start()
        }
        if let failure { throw failure }
        return results
    }
}
