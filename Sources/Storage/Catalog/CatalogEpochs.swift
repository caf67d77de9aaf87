import OCI
import Synchronization

/// Counts the changes of the catalog, so that whoever remembers an answer knows when to forget it.
///
/// A count is odd from before a change is committed until after. What was read while it was even, and still is the
/// same, is what the catalog would answer now. Repositories share counts: a change in one may make others forget.
final class CatalogEpochs: Sendable {
    /// What a write changes of what may be remembered.
    ///
    /// Nobody remembers that something is absent, or waits to be collected: what adds without taking away changes nothing.
    enum Scope: Hashable, Sendable {
        case nothing
        case repository(RepositoryName)
        case everything
    }

    /// The counts that an answer depends on.
    struct Stamp: Hashable, Sendable {
        fileprivate let slot: Int
        fileprivate let count: UInt64
        fileprivate let countOfAll: UInt64
    }

    /// A count, alone in its place.
    private final class Count: Sendable {
        let value = Atomic<UInt64>(0)
    }

    private static let slots = 1024
    private let counts = (0..<slots).map { _ in Count() }
    private let all = Count()

    /// To be taken before the answer is read; nil while something is being written.
    func stamp(_ repository: RepositoryName) -> Stamp? {
        let slot = Self.slot(of: repository)
        let stamp = Stamp(
            slot: slot,
            count: counts[slot].value.load(ordering: .sequentiallyConsistent),
            countOfAll: all.value.load(ordering: .sequentiallyConsistent)
        )
        return stamp.count.isMultiple(of: 2) && stamp.countOfAll.isMultiple(of: 2) ? stamp : nil
    }

    /// Whether nothing has been written since.
    func isCurrent(_ stamp: Stamp) -> Bool {
        counts[stamp.slot].value.load(ordering: .sequentiallyConsistent) == stamp.count
            && all.value.load(ordering: .sequentiallyConsistent) == stamp.countOfAll
    }

    /// Does something that changes what was read, as one change; for the one writer.
    func change<Value>(_ scopes: Set<Scope>, _ body: () throws -> Value) rethrows -> Value {
        // Two repositories may share a count.
        var changed: [Int: Count] = [:]
        for scope in scopes {
            switch scope {
            case .nothing: break
            case .repository(let name): changed[Self.slot(of: name)] = counts[Self.slot(of: name)]
            case .everything: changed[-1] = all
            }
        }
        for count in changed.values { count.value.add(1, ordering: .sequentiallyConsistent) }
        defer { for count in changed.values { count.value.add(1, ordering: .sequentiallyConsistent) } }
        return try body()
    }

    private static func slot(of repository: RepositoryName) -> Int {
        Int(UInt(bitPattern: repository.rawValue.hashValue) % UInt(slots))
    }
}
