package import OCI

/// An image made of one program, and perhaps files around it: its three parts, of which the layer's bytes have been handed over already.
package struct PackagedImage: Hashable, Sendable {
    package let name: ExecutableName
    package let platform: Platform
    /// What the program tells about itself.
    package let origin: ProgramOrigin
    package let executable: PackagedExecutable
    /// How many files were sent; nil for a program alone.
    package let fileCount: Int?
    package let layer: Layer
    package let configuration: Document
    package let manifest: Document
    /// Documents about the image, to be attached to its manifest.
    package let attestations: [Attestation]
    /// What whoever sent the program should know.
    package let notes: [PackagingNote]

    /// Bytes to be stored, and what names them.
    package struct Document: Hashable, Sendable {
        /// None where the document is stored already.
        package let bytes: [UInt8]
        package let descriptor: Descriptor

        init(_ bytes: [UInt8], mediaType: MediaType) {
            self.bytes = bytes
            descriptor = Descriptor(mediaType: mediaType, digest: Digest(of: bytes), size: Int64(bytes.count))
        }

        /// A document that is stored already.
        init(stored descriptor: Descriptor) {
            bytes = []
            self.descriptor = descriptor
        }
    }

    /// The image's digest, which is its manifest's.
    package var digest: Digest { manifest.descriptor.digest }

    /// What images have in common that are one program for several platforms; nil where the program does not tell.
    package var buildKey: String? { origin.buildKey }

    /// What a client without any of its parts transfers to have the image.
    package var transferSize: Int64 {
        layer.descriptor.size + configuration.descriptor.size + manifest.descriptor.size
    }
}
