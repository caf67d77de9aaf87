/// For how long an answer of the catalog may be given again without asking.
///
/// Until something is written in its repository, or its tag expires.
package struct ReadLease: Sendable {
    private let epochs: CatalogEpochs
    private let stamp: CatalogEpochs.Stamp
    private let expiry: Timestamp?
    /// Remembers a pull; false where so many have come together that the catalog must be asked.
    private let notePull: (@Sendable (Timestamp) -> Bool)?

    init(
        _ epochs: CatalogEpochs,
        _ stamp: CatalogEpochs.Stamp,
        expiry: Timestamp? = nil,
        notePull: (@Sendable (Timestamp) -> Bool)? = nil
    ) {
        self.epochs = epochs
        self.stamp = stamp
        self.expiry = expiry
        self.notePull = notePull
    }

    /// Whether the answer is still the catalog's; where it is, it counts as one that the catalog has given.
    package func renew(at now: Timestamp) -> Bool {
        guard epochs.isCurrent(stamp), expiry.map({ now < $0 }) ?? true else { return false }
        return notePull?(now) ?? true
    }
}

/// A manifest that somebody pulls.
package struct PulledManifest: Sendable {
    package let record: ManifestRecord
    /// nil where each pull has to be told to the catalog.
    package let lease: ReadLease?
}

/// A blob that a client is told of.
package struct KeptBlob: Sendable {
    package let record: BlobRecord
    /// nil where the blob waits to be collected, which each telling puts off.
    package let lease: ReadLease?
}
