package import OCI

/// A finished layer: what the manifest and the configuration say about it.
package struct Layer: Hashable, Sendable {
    /// The compressed layer, as it is stored.
    package let descriptor: Descriptor
    /// The digest of the tar archive before compression.
    package let diffID: Digest
    /// The size of the tar archive in bytes.
    package let archiveSize: Int64
}
