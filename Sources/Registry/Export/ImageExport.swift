import OCI
import Storage

/// The way from a snapshot of the catalog to an image layout.
///
/// Blobs are linked while clients go on pushing and deleting, so one may be gone before its turn comes. Then its
/// manifest has been deleted too, and is left out with whatever lists it; or else the blob is damaged. All of it
/// blocks. Memory grows with what was deleted meanwhile alone.
struct ImageExport {
    private let snapshot: any CatalogSnapshot
    private let catalog: any Catalog
    private let blobs: any BlobStore
    private var leftOut: Set<Digest> = []
    private var manifestCount = 0
    private var tagCount = 0

    init(_ snapshot: any CatalogSnapshot, of catalog: any Catalog, _ blobs: any BlobStore) {
        self.snapshot = snapshot
        self.catalog = catalog
        self.blobs = blobs
    }

    /// Fills a layout.
    mutating func run(_ selection: ImageSelection, into layout: inout LayoutFolder) throws -> ExportReport {
        let snapshot = snapshot
        try snapshot.forEachManifest(of: selection) { manifest in
            if try link(manifest, into: &layout) {
                if try layout.write(manifest.record) { manifestCount += 1 }
            } else {
                try leaveOut(manifest.record.digest, in: manifest.repository)
            }
        }
        try snapshot.forEachEntry(of: selection) { entry in
            guard !leftOut.contains(entry.manifest.digest) else { return }
            var descriptor = entry.manifest
            if let tag = entry.tag {
                descriptor.annotations[Self.referenceName] = "\(entry.repository):\(tag)"
                tagCount += 1
            }
            try layout.add(descriptor)
        }
        return ExportReport(tags: tagCount, manifests: manifestCount, leftOut: leftOut.count)
    }

    /// - SeeAlso: image-spec v1.1.1, annotations.md
    private static let referenceName = "org.opencontainers.image.ref.name"

    /// Links everything that a manifest refers to; false where it has been deleted meanwhile.
    private func link(_ manifest: SnapshotManifest, into layout: inout LayoutFolder) throws -> Bool {
        if let damaged = manifest.quarantined.first { throw StorageError.corrupt(damaged.digest) }
        guard manifest.record.isWhole else { throw StorageError.corrupt(manifest.record.digest) }
        for blob in manifest.blobs {
            let path = try layout.path(of: blob.digest)
            if try link(blob, path) { continue }
            guard try catalog.hasManifest(manifest.record.digest, in: manifest.repository) else {
                return false
            }
            // The manifest is there, and so the blob must be, unless both were deleted and pushed again in between.
            guard try link(blob, path) else { throw StorageError.corrupt(blob.digest) }
        }
        return true
    }

    private func link(_ blob: BlobRecord, _ path: String) throws -> Bool {
        do {
            return try blobs.link(blob.digest, size: blob.size, toFile: path)
        } catch StorageError.failed(let operation, let path, let code) {
            // For whoever asked for the export, the path is no secret.
            throw ExportError.failed(operation: operation, path: path, code: code)
        }
    }

    /// Remembers that a manifest is gone, and so every index that lists it, directly or not.
    private mutating func leaveOut(_ digest: Digest, in repository: RepositoryName) throws {
        var waiting = [digest]
        while let next = waiting.popLast() {
            guard leftOut.insert(next).inserted else { continue }
            waiting += try snapshot.indexes(listing: next, in: repository)
        }
    }
}
