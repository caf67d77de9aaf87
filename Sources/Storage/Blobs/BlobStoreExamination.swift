package import OCI

/// What a `BlobStore` tells whoever reads again what it holds.
package protocol BlobStoreExamination: Sendable {
    /// Reads a blob from end to end as it is stored, and says whether it is what its digest and size name.
    ///
    /// `passed` is called with each portion's bytes: it may wait, to leave the disk to others, or throw, to stop.
    ///
    /// - Throws: what says nothing about the blob, such as `tooManyOpenFiles`.
    func examine(
        _ digest: Digest,
        size: Int64,
        passed: (Int) async throws -> Void
    ) async throws -> BlobCondition

    /// What lies in a blob's place, whether it has a record or not; nil where nothing does.
    func placed(_ digest: Digest) async throws -> PlacedBlob?

    /// What is left of uploads that nobody can go on with and that were begun before a moment; removed, or only counted.
    func clearLeftovers(before moment: Timestamp, isRehearsal: Bool) async throws -> Int
}

/// How the stored bytes of a blob are.
package enum BlobCondition: Hashable, Sendable {
    case whole
    case missing
    /// In bytes.
    case wrongSize(Int64)
    case wrongBytes(Digest)
    /// They cannot be read; `code` is `errno`.
    case unreadable(code: Int32)
}

/// Something in a blob's place.
package struct PlacedBlob: Hashable, Sendable {
    /// In bytes.
    package let size: Int64
    /// Since when it has been there at the latest, as this folder's file system says.
    package let since: Timestamp
}
