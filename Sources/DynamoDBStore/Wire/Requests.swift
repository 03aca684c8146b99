// Fields are named as DynamoDB writes them.

/// A change of one item, alone or as a part of a transaction.
struct ItemUpdate: Encodable, Sendable {
    let TableName: String
    let Key: Item
    var UpdateExpression: String
    var ConditionExpression: String?
    var ExpressionAttributeNames: [String: String]?
    var ExpressionAttributeValues: Item?
    /// The item comes with a refusal.
    var ReturnValuesOnConditionCheckFailure: String? = "ALL_OLD"
    var ReturnValues: String?
}

struct ItemPut: Encodable, Sendable {
    let TableName: String
    let Item: Item
    var ConditionExpression: String?
    var ExpressionAttributeValues: Item?
    var ReturnValuesOnConditionCheckFailure: String?
}

struct ItemDelete: Encodable, Sendable {
    let TableName: String
    let Key: Item
    var ConditionExpression: String?
    var ExpressionAttributeValues: Item?
}

/// One of up to 100 changes that are made together or not at all.
enum TransactionItem: Encodable, Sendable {
    case update(ItemUpdate)
    case put(ItemPut)
    case delete(ItemDelete)

    private enum Kind: String, CodingKey {
        case Update, Put, Delete
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Kind.self)
        switch self {
        case .update(let update): try container.encode(update, forKey: .Update)
        case .put(let put): try container.encode(put, forKey: .Put)
        case .delete(let delete): try container.encode(delete, forKey: .Delete)
        }
    }
}

struct TransactionRequest: Encodable, Sendable {
    let TransactItems: [TransactionItem]
    /// A repeat under the same token within 10 minutes changes nothing.
    let ClientRequestToken: String
}

struct GetRequest: Encodable, Sendable {
    let TableName: String
    let Key: Item
    var ConsistentRead = true
}

struct ItemAnswer: Decodable, Sendable {
    let Item: Item?
    let Attributes: Item?
}

/// A page of a scan or a query.
struct PageRequest: Encodable, Sendable {
    let TableName: String
    var IndexName: String?
    var KeyConditionExpression: String?
    var FilterExpression: String?
    var ExpressionAttributeNames: [String: String]?
    var ExpressionAttributeValues: Item?
    var ScanIndexForward: Bool?
    var Limit: Int?
    var Segment: Int?
    var TotalSegments: Int?
    var ExclusiveStartKey: Item?
    var ConsistentRead = true
}

struct PageAnswer: Decodable, Sendable {
    let Items: [Item]?
    let LastEvaluatedKey: Item?
}

struct BatchRequest: Encodable, Sendable {
    struct Write: Codable, Sendable {
        struct Put: Codable, Sendable { let Item: Item }
        struct Delete: Codable, Sendable { let Key: Item }
        var PutRequest: Put?
        var DeleteRequest: Delete?
    }

    let RequestItems: [String: [Write]]
}

struct BatchAnswer: Decodable, Sendable {
    let UnprocessedItems: [String: [BatchRequest.Write]]?
}

struct TableRequest: Encodable, Sendable {
    let TableName: String
}

struct TableAnswer: Decodable, Sendable {
    struct Description: Decodable, Sendable {
        let TableStatus: String?
        let KeySchema: [TableCreation.Key]?
    }

    let Table: Description?
}

struct TableCreation: Encodable, Sendable {
    struct Key: Codable, Hashable, Sendable {
        let AttributeName: String
        let KeyType: String
    }

    struct Attribute: Encodable, Sendable {
        let AttributeName: String
        var AttributeType = "S"
    }

    struct Projection: Encodable, Sendable {
        let ProjectionType: String
        var NonKeyAttributes: [String]?
    }

    struct Index: Encodable, Sendable {
        let IndexName: String
        let KeySchema: [Key]
        let Projection: Projection
    }

    let TableName: String
    let KeySchema: [Key]
    let AttributeDefinitions: [Attribute]
    var GlobalSecondaryIndexes: [Index]?
    var LocalSecondaryIndexes: [Index]?
    var BillingMode = "PAY_PER_REQUEST"
}

extension [TableCreation.Key] {
    static func keys(_ hash: String, _ range: String? = nil) -> Self {
        [TableCreation.Key(AttributeName: hash, KeyType: "HASH")]
            + (range.map { [TableCreation.Key(AttributeName: $0, KeyType: "RANGE")] } ?? [])
    }
}
