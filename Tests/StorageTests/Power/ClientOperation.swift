import OCI

@testable import Storage

/// What a client asked for, when, and whether it was told that it is done.
struct ClientOperation: Sendable {
    /// Something that a client can find again.
    enum Key: Hashable, Sendable {
        case manifest(OCI.Digest, RepositoryName)
        case tag(Tag, RepositoryName)
        case blob(OCI.Digest, RepositoryName)
    }

    /// What is found there.
    enum Value: Hashable, Sendable {
        case absent
        case manifest(OCI.Digest)
        /// A blob, which nobody promised to keep over a loss of power.
        case perhaps
    }

    struct Effect: Sendable {
        let key: Key
        let value: Value

        init(_ key: Key, _ value: Value) {
            self.key = key
            self.value = value
        }
    }

    let effects: [Effect]
    /// How many events there were when it began.
    let began: Int
    /// How many there were when the client was told; nil where it never was.
    var acknowledged: Int?
}

/// What a client may find after a loss of power.
struct Expectation: Sendable {
    private(set) var values: [ClientOperation.Key: Set<ClientOperation.Value>] = [:]
    /// Manifests that were promised, with the repositories that have them.
    private(set) var promisedCount = 0

    /// `length`: how many events had happened.
    ///
    /// Of what was asked for one key, anything counts that was not done with before something else was asked for that
    /// the client was told of.
    init(_ operations: [ClientOperation], at length: Int) {
        var writers: [ClientOperation.Key: [(value: ClientOperation.Value, began: Int, acknowledged: Int?)]] =
            [:]
        for operation in operations where operation.began <= length {
            let acknowledged = operation.acknowledged.flatMap { $0 <= length ? $0 : nil }
            for effect in operation.effects {
                writers[effect.key, default: []].append((effect.value, operation.began, acknowledged))
            }
        }
        for (key, writers) in writers {
            let lastBegan = writers.filter { $0.acknowledged != nil }.map(\.began).max()
            var possible = Set(
                writers.filter { writer in
                    guard let acknowledged = writer.acknowledged, let lastBegan else { return true }
                    return acknowledged > lastBegan || writer.began == lastBegan
                }
                .map(\.value)
            )
            if lastBegan == nil { possible.insert(.absent) }
            values[key] = possible
            if possible.count == 1, case .manifest = possible.first { promisedCount += 1 }
        }
    }
}
