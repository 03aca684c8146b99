/// Finds the name that was probably meant.
package enum NearestName {
    /// - Returns: `nil` when no name is near: at most a third of the letters may differ, and two at least are allowed
    ///   only from six letters on. Case does not count.
    package static func of(_ text: String, among names: some Sequence<String>) -> String? {
        let ranked = names.map {
            (name: $0, distance: distance(Array(text.lowercased()), Array($0.lowercased())))
        }
        guard let best = ranked.min(by: { $0.distance < $1.distance }) else { return nil }
        return best.distance <= max(1, min(text.count, best.name.count) / 3) ? best.name : nil
    }

    /// `, did you mean Timeout?` or nothing.
    static func hint(for text: String, among names: some Sequence<String>) -> String {
        of(text, among: names).map { "; did you mean \($0)?" } ?? ""
    }

    /// Letters to insert, remove, change or swap with their neighbour (optimal string alignment).
    private static func distance(_ left: [Character], _ right: [Character]) -> Int {
        var rows = [Array(0...right.count)]
        for (i, letter) in left.enumerated() {
            var row = [i + 1]
            for (j, other) in right.enumerated() {
                var cost = min(rows[i][j + 1] + 1, row[j] + 1, rows[i][j] + (letter == other ? 0 : 1))
                if i > 0, j > 0, letter == right[j - 1], left[i - 1] == other {
                    cost = min(cost, rows[i - 1][j - 1] + 1)
                }
                row.append(cost)
            }
            rows.append(row)
        }
        return rows[left.count][right.count]
    }
}
