import Synchronization

/// When manifests were last pulled, as far as the database does not know it yet.
final class PullLog: Sendable {
    /// A manifest of a repository, by the numbers of their rows.
    struct Key: Hashable, Sendable {
        let repositoryID: Int64
        let manifestID: Int64
    }

    private let pulled = Mutex<[Key: Timestamp]>([:])

    /// Some megabytes; whoever pulls one more writes all of it down first.
    private static let maximumCount = 65_536

    /// Remembers that a manifest was pulled, and says whether it is time to write down what has come together.
    func note(_ key: Key, at moment: Timestamp) -> Bool {
        pulled.withLock { pulled in
            pulled[key] = max(pulled[key] ?? moment, moment)
            return pulled.count >= Self.maximumCount
        }
    }

    /// When a manifest was pulled, if it was since that was last written down.
    func time(of key: Key) -> Timestamp? { pulled.withLock { $0[key] } }

    /// What is to be written down.
    ///
    /// It stays until it is.
    var entries: [Key: Timestamp] { pulled.withLock { $0 } }

    /// Forgets what has been written down, except for what was pulled again meanwhile.
    func forget(_ written: [(key: Key, value: Timestamp)]) {
        pulled.withLock { pulled in
            for (key, moment) in written where pulled[key] == moment { pulled[key] = nil }
        }
    }
}
