package import OCI

/// Names and manifests as they were at one moment, for as long as the body of `Catalog.withSnapshot` runs.
///
/// The methods block, and hold one manifest at a time, however many there are.
package protocol CatalogSnapshot {
    /// Whether the repository holds a manifest, or the tag is there.
    func contains(_ part: ImageSelection.Part) throws -> Bool

    /// Calls a body with each manifest of a selection, once for each repository that has it.
    func forEachManifest(of selection: ImageSelection, _ body: (SnapshotManifest) throws -> Void) throws

    /// Calls a body with what leads to each of these manifests: the tags, by repository and name, and behind the tags
    /// of a repository the manifests that no tag and no index of it names, or behind a tag what is attached to what it
    /// leads to.
    ///
    /// A manifest that nothing names in several repositories comes once.
    func forEachEntry(of selection: ImageSelection, _ body: (SnapshotEntry) throws -> Void) throws

    /// The indexes of a repository that list a manifest.
    func indexes(listing digest: Digest, in repository: RepositoryName) throws -> [Digest]

    /// What is wrong with a manifest, by its bytes and by what the repository has.
    ///
    /// `isSparse`: whether the repository may lack what its manifests refer to.
    func problems(of manifest: SnapshotManifest, isSparse: Bool) throws -> [ManifestProblem]
}

/// A manifest in one repository.
package struct SnapshotManifest: Hashable, Sendable {
    package let repository: RepositoryName
    package let record: ManifestRecord
    /// What it refers to, is no manifest, and is visible in the repository.
    package let blobs: [BlobRecord]
    /// What of these is known to be damaged, and is not among them.
    package let quarantined: [BlobRecord]
}

/// What leads to a manifest from outside.
package struct SnapshotEntry: Hashable, Sendable {
    package let repository: RepositoryName
    /// Nil for a manifest that nothing names.
    package let tag: Tag?
    /// Its type, digest and size.
    package let manifest: Descriptor
}
