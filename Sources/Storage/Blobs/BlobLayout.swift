import OCI

/// Where a file blob store keeps what, within a storage folder.
///
///     blobs/sha256/<hex>      a blob
///     uploads/<uuid>          an unfinished upload's bytes
///     uploads/<uuid>.json     what it is for; one without may not be resumed
struct BlobLayout: Sendable {
    let folder: String

    var uploads: String { folder + "/uploads" }

    func blobs(_ algorithm: SupportedAlgorithm) -> String { folder + "/blobs/" + algorithm.rawValue }

    /// The file of a digest; nil for an algorithm that nothing can be stored under.
    func blob(_ digest: Digest) -> String? {
        digest.supportedAlgorithm.map { blobs($0) + "/" + digest.encoded }
    }

    func bytes(of upload: UploadID) -> String { uploads + "/" + upload.rawValue }

    func header(of upload: UploadID) -> String { bytes(of: upload) + Self.headerSuffix }

    static let headerSuffix = ".json"
}
