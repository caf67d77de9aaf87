package import Storage

/// Something that collection has removed, or would remove.
package enum CollectedItem: Hashable, Sendable {
    /// An unfinished upload that expired.
    case upload(UploadSession)
    /// `rule`: what did not keep it; nil for one whose time was over.
    case tag(RemovedTag, rule: RetentionRule?)
    case manifest(RemovedManifest)
    /// Its bytes are what comes free.
    case blob(BlobRecord)
}

/// What a collection came to.
package struct CollectionTotals: Hashable, Sendable {
    package private(set) var uploads = 0
    package private(set) var tags = 0
    package private(set) var manifests = 0
    package private(set) var blobs = 0
    /// Of uploads and blobs.
    package private(set) var bytes: Int64 = 0

    package init() {}

    /// Whether there was nothing to do.
    package var isEmpty: Bool { uploads + tags + manifests + blobs == 0 }

    package mutating func add(_ item: CollectedItem) {
        switch item {
        case .upload(let session):
            uploads += 1
            bytes += session.offset
        case .tag: tags += 1
        case .manifest: manifests += 1
        case .blob(let record):
            blobs += 1
            bytes += record.size
        }
    }
}
