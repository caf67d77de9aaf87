import NIOCore
import OCI
import Packager
import Storage

// An upload of what was uploaded before costs a hash.

extension Registry {
    /// The image that the repository has of the same content, name and options, with all that was attached to it; nil
    /// where there is none.
    ///
    /// One whose bytes are damaged or gone is none: the upload heals it.
    ///
    /// Other repositories are not looked at: to know a digest is not to hold the file.
    func remembered(
        _ content: Digest,
        of upload: ExecutableUpload<some AsyncSequence<ByteBuffer, any Error>>
    ) async throws -> PackagedImage? {
        let key = packager.key(of: upload.request(size: 0), content: content)
        guard let record = try await catalog.rememberedImage(key, in: upload.repository),
            record.manifest.isWhole,
            let image = PackagedImage(memo: record.details, manifest: record.manifest.bytes),
            try await attachedDocuments(of: image, in: upload.repository).count == image.attestations.count
        else { return nil }
        let parts =
            [image.layer.descriptor, image.configuration.descriptor]
            + image.attestations.map(\.content.descriptor)
        do {
            for part in parts { _ = try await statBlob(part.digest, in: upload.repository) }
        } catch RegistryError.blobUnknown {
            return nil
        }
        return image
    }

    /// Gives an image that is there already the tag of an upload, as if it had been made of it.
    ///
    /// - Returns: nil where the repository has no such image, or had it a moment ago.
    func publishRemembered(
        _ content: Digest,
        of upload: ExecutableUpload<some AsyncSequence<ByteBuffer, any Error>>
    ) async throws -> PackagedUpload? {
        guard let image = try await remembered(content, of: upload) else { return nil }
        let key = try buildKey(of: image, options: upload.options)
        do {
            return try await publish(image, of: upload, key: key, memo: nil)
        } catch StorageError.missingReferences {
            return nil
        }
    }
}
