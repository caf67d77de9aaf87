package import OCI

/// What is remembered of how an image was made, so that nobody makes it a second time.
///
/// It goes with the image's manifest, and holds in its repository alone: to know a digest is not to hold the file.
package struct PackagingMemo: Hashable, Sendable {
    /// Stands for everything that the image was made of.
    package let key: Digest
    /// Stands for as much of that as is known when an upload begins.
    package let hint: Digest
    /// What is to be known of the image again; the catalog does not look into it.
    package let details: [UInt8]

    package init(key: Digest, hint: Digest, details: [UInt8]) {
        self.key = key
        self.hint = hint
        self.details = details
    }
}

/// An image that was made before of the same.
package struct RememberedImage: Hashable, Sendable {
    package let manifest: ManifestRecord
    package let details: [UInt8]
}
