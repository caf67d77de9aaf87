/// What `Catalog` offers to whoever makes a copy of everything that is stored.
package protocol CatalogBackup: Sendable {
    /// Runs a body during which the bytes of no blob are removed, whatever becomes of its record.
    ///
    /// What was to be removed meanwhile waits for the next sweep.
    func withPinnedContent<Value: Sendable>(
        _ body: () async throws -> Value
    ) async throws -> Value

    /// Writes a copy of everything as it is at one moment into a file that does not exist.
    ///
    /// Pushes go on meanwhile. The copy is durable once it is finished.
    func copy(to path: String, now: Timestamp) async throws -> CatalogCopy
}

/// A blob of a copied catalog.
package struct CopiedBlob: Hashable, Sendable {
    package let record: BlobRecord
    /// Whether its bytes survive a loss of power.
    package let isSynced: Bool
}
