import ByteCoding

/// One page of a listing, and the marker under which the next is asked for.
struct Page<Item> {
    let items: [Item]
    /// `nil` after the last page.
    let nextMarker: String?

    /// The items after the marker's.
    ///
    /// Items that come and go between two pages are shown or not; no other is left out or shown twice.
    ///
    /// - Parameters:
    ///   - items: In the order of their keys.
    ///   - largest: The most that the service puts on a page, and its default.
    init(of items: [Item], by key: (Item) -> String, query: LambdaQuery, largest: Int) throws(LambdaError) {
        let asked = try query.number("MaxItems")
        var checks = RequestChecks()
        checks.number(asked, at: "maxItems", in: 1...10_000)
        try checks.finish()
        var rest = items[...]
        if let marker = query["Marker"], !marker.isEmpty {
            guard let bytes = Base64.decode(marker), let last = String(validating: bytes, as: UTF8.self)
            else {
                throw .invalid("Invalid marker: \(marker)")
            }
            rest = rest.drop { key($0) <= last }
        }
        let page = rest.prefix(min(asked ?? largest, largest))
        self.items = Array(page)
        nextMarker = page.count < rest.count ? page.last.map { Base64.encode(Array(key($0).utf8)) } : nil
    }
}
