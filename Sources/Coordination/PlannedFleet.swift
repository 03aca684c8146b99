import StreamCore

/// The workers of a mapping with what each has or is about to have, while a plan is made.
///
/// Draining workers are not among them: what they hold is soon free.
struct PlannedFleet {
    private struct Place {
        let worker: WorkerID
        let hash: PlaceHash
        let cpu: Double?
        var count = 0
        /// Of its leases, in KB/s.
        var throughput = 0.0
    }

    /// KCL's: who is so far from the average is balanced, and gives away so much of what it has too much.
    private static let tolerance = 0.1
    private static let dampening = 0.6

    private let me: Int
    private var places: [Place]
    /// The leases that can be asked for, by holder, in an order that all workers agree on.
    private var movable: [[LeaseRow]]
    private let leaseCount: Int
    private let isMoving: Bool
    /// With fewer leases than workers, those that are to have one each; `nil` while there is one for everybody.
    ///
    /// Each mapping has its own, so that many mappings of a shard or two spread over all workers.
    private let chosen: Set<Int>?

    init(candidates: [LeasePlan.Candidate], members: [LeasePlan.Member], worker: WorkerID) {
        let draining = Set(members.filter(\.isDraining).map(\.worker)).subtracting([worker])
        let owners = Set(candidates.filter { $0.state == .held }.compactMap(\.row.owner))
        // All of its leases in this mapping have expired: it is dead, or cut off from the store.
        let silent = Set(
            candidates.compactMap { candidate -> WorkerID? in
                guard case .free = candidate.state else { return nil }
                return candidate.row.holder
            }
        ).subtracting(owners)
        let present = owners.union(members.map(\.worker)).subtracting(draining).subtracting(silent)
        let cpu = Dictionary(members.map { ($0.worker, $0.cpu) }, uniquingKeysWith: { first, _ in first })
        let workers = present.union([worker]).sorted()
        places = workers.map { Place(worker: $0, hash: PlaceHash($0), cpu: cpu[$0] ?? nil) }
        let index = Dictionary(uniqueKeysWithValues: workers.enumerated().map { ($1, $0) })
        me = index[worker] ?? 0
        leaseCount = candidates.count
        movable = Array(repeating: [], count: workers.count)
        isMoving = candidates.contains { $0.state == .held && $0.row.handOff != nil }
        chosen = Self.chosen(places, for: candidates)

        for candidate in candidates {
            let row = candidate.row
            switch candidate.state {
            case .free: break
            case .owed: add(row, to: me)
            case .held:
                guard let owner = row.owner, let place = index[owner] else { continue }
                add(row, to: place)
                if row.handOff == nil { movable[place].append(row) }
            }
        }
    }

    private static func chosen(_ places: [Place], for candidates: [LeasePlan.Candidate]) -> Set<Int>? {
        guard candidates.count < places.count, let key = candidates.first?.row.key else { return nil }
        let mapping = PlaceHash(key.mapping)
        let ranked = places.indices.sorted {
            (mapping.combined(with: places[$0].hash), $0) < (mapping.combined(with: places[$1].hash), $1)
        }
        return Set(ranked.prefix(candidates.count))
    }

    private mutating func add(_ row: LeaseRow, to place: Int) {
        places[place].count += 1
        places[place].throughput += row.throughput ?? 0
    }

    private mutating func move(_ row: LeaseRow, from donor: Int, to receiver: Int) {
        places[donor].count -= 1
        places[donor].throughput -= row.throughput ?? 0
        add(row, to: receiver)
    }

    /// The most leases that are the place's even share.
    private func share(of place: Int) -> Int {
        if let chosen { return chosen.contains(place) ? 1 : 0 }
        return (leaseCount + places.count - 1) / places.count
    }

    /// Gives a free lease to the worker that has least of those below their share.
    ///
    /// Equals are told apart by a hash of worker and lease, so that each has its own.
    /// - Returns: Whether it is the planning worker's.
    mutating func assign(_ row: LeaseRow, balancing: LeasePlan.Balancing) -> Bool {
        let key = PlaceHash(row.key.shard)
        var best: (place: Int, rank: (Double, Int, UInt64))?
        for place in places.indices where places[place].count < share(of: place) {
            let load = balancing == .load ? places[place].throughput : 0
            let rank = (load, places[place].count, key.combined(with: places[place].hash))
            if best.map({ rank < $0.rank }) ?? true { best = (place, rank) }
        }
        guard let place = best?.place else { return false }
        add(row, to: place)
        return place == me
    }

    /// Moves leases from those with most to those with least until none has two more than another.
    ///
    /// When loads are balanced, a worker whose leases keep it as busy as the others needs no more of them.
    /// - Returns: The leases that the planning worker is to ask for.
    mutating func evenCounts(balancing: LeasePlan.Balancing) -> [LeaseRow] {
        if chosen != nil { return oneEach() }
        let counts = places.map(\.count)
        guard let most = counts.max(), let least = counts.min(), most - least >= 2 else { return [] }
        prepareMoves()
        let average = averageThroughput
        var wanted: [LeaseRow] = []
        var isDone = Array(repeating: false, count: places.count)
        while let low = leastLeases(isDone) {
            var moved: (row: LeaseRow, donor: Int)?
            if let high = mostLeases(), places[high].count - places[low].count >= 2 {
                let room = balancing == .load ? average - places[low].throughput : .infinity
                let isEven = balancing == .load && places[low].count >= leaseCount / places.count
                moved = isEven ? nil : takeMovable(of: high, upTo: room).map { ($0, high) }
            }
            guard let (row, donor) = moved else {
                isDone[low] = true
                continue
            }
            move(row, from: donor, to: low)
            if low == me { wanted.append(row) }
        }
        return wanted
    }

    /// Moves leases to the chosen workers that have none.
    ///
    /// Nobody gets a second one by that, so that no load is too much for whom it comes to.
    private mutating func oneEach() -> [LeaseRow] {
        prepareMoves()
        var wanted: [LeaseRow] = []
        for place in places.indices where places[place].count < share(of: place) {
            let donors = places.indices.filter {
                !movable[$0].isEmpty && places[$0].count > share(of: $0)
            }
            guard let donor = donors.max(by: { (places[$0].count, $0) < (places[$1].count, $1) }),
                let row = movable[donor].popLast()
            else { break }
            move(row, from: donor, to: place)
            if place == me { wanted.append(row) }
        }
        return wanted
    }

    /// Moves load from workers far above the average to those below it, as KCL 3 does: by CPU time when every worker
    /// reports it, else by throughput.
    ///
    /// - Returns: The leases that the planning worker is to ask for.
    mutating func evenLoads() -> [LeaseRow] {
        // What moves is still counted in the figures of both sides.
        guard !isMoving else { return [] }
        let reported = places.compactMap(\.cpu)
        var loads = reported.count == places.count ? reported : places.map(\.throughput)
        let average = loads.reduce(0, +) / Double(loads.count)
        let donors = loads.indices.filter { loads[$0] > average * (1 + Self.tolerance) }
        guard !donors.isEmpty else { return [] }
        prepareMoves()
        var wanted: [LeaseRow] = []
        for donor in donors.sorted(by: { (loads[$0], $1) > (loads[$1], $0) }) {
            let (load, throughput) = (loads[donor], places[donor].throughput)
            guard throughput > 0 else { continue }
            var left = (load - average) / load * Self.dampening * throughput
            var isFirst = true
            while let row = takeBusy(of: donor, upTo: left, orLeast: isFirst) {
                let share = row.throughput ?? 0
                let weight = share / throughput * load
                guard let receiver = loads.indices.min(by: { (loads[$0], $0) < (loads[$1], $1) }),
                    loads[receiver] + weight <= average
                else { break }
                isFirst = false
                left -= share
                loads[receiver] += weight
                loads[donor] -= weight
                if receiver == me { wanted.append(row) }
            }
        }
        return wanted
    }

    private var averageThroughput: Double { places.reduce(0) { $0 + $1.throughput } / Double(places.count) }

    /// All workers take a holder's leases in the same order, which favours no shard.
    private mutating func prepareMoves() {
        for place in movable.indices {
            movable[place] = movable[place].map { (PlaceHash($0.key.shard).value, $0) }
                .sorted { ($0.0, $0.1.key) < ($1.0, $1.1.key) }
                .map(\.1)
        }
    }

    private func leastLeases(_ isDone: [Bool]) -> Int? {
        places.indices.filter { !isDone[$0] }.min { (places[$0].count, $0) < (places[$1].count, $1) }
    }

    private func mostLeases() -> Int? {
        places.indices.filter { !movable[$0].isEmpty }
            .max { (places[$0].count, $1) < (places[$1].count, $0) }
    }

    private mutating func takeMovable(of place: Int, upTo room: Double) -> LeaseRow? {
        guard let index = movable[place].lastIndex(where: { ($0.throughput ?? 0) <= room }) else {
            return nil
        }
        return movable[place].remove(at: index)
    }

    /// - Parameter orLeast: When none is small enough, the least busy one may overshoot.
    private mutating func takeBusy(of place: Int, upTo room: Double, orLeast: Bool) -> LeaseRow? {
        let busy = movable[place].indices.filter { (movable[place][$0].throughput ?? 0) > 0 }
        let fitting = busy.last { (movable[place][$0].throughput ?? 0) <= room }
        let least = busy.min { (movable[place][$0].throughput ?? 0) < (movable[place][$1].throughput ?? 0) }
        return (fitting ?? (orLeast ? least : nil)).map { movable[place].remove(at: $0) }
    }
}

/// A number that spreads names evenly and is the same in every process.
struct PlaceHash {
    let value: UInt64

    init(_ mapping: MappingID) { self.init(mapping.text) }
    init(_ shard: ShardID) { self.init(shard.text) }
    init(_ worker: WorkerID) { self.init(worker.text) }

    private init(_ text: String) {
        // FNV-1a.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        value = Self.mix(hash)
    }

    func combined(with other: PlaceHash) -> UInt64 {
        Self.mix(value ^ (other.value &* 0x9e37_79b9_7f4a_7c15))
    }

    /// The finalizer of SplitMix64.
    private static func mix(_ value: UInt64) -> UInt64 {
        var mixed = value
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
