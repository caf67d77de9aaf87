package import OCI

/// The program that an image was made of.
package struct PackagedExecutable: Codable, Hashable, Sendable {
    /// Where it stands in the image: an absolute path.
    package let path: String
    /// Of its bytes.
    package let digest: Digest
    /// In bytes.
    package let size: UInt64
}
