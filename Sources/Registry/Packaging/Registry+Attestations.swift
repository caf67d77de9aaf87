import NIOCore
import OCI
import Packager
import Storage

extension Registry {
    /// Makes what the documents about an image refer to blobs of a repository.
    func pushAttestations(of image: PackagedImage, in repository: RepositoryName) async throws {
        guard !image.attestations.isEmpty else { return }
        try await push(Attestation.emptyConfiguration, in: repository)
        for attestation in image.attestations { try await push(attestation.content, in: repository) }
    }

    /// The documents about an image, on their way to being attached to it.
    func attachments(
        of image: PackagedImage,
        in repository: RepositoryName
    ) throws -> [ManifestPublication] {
        try image.attestations.map { attestation in
            let (bytes, descriptor) = (attestation.manifest.bytes, attestation.manifest.descriptor)
            let manifest: Manifest
            do throws(ManifestError) {
                manifest = try Manifest(parsing: bytes, contentType: descriptor.mediaType)
            } catch {
                throw RegistryError.manifestInvalid(error)
            }
            return publication(of: manifest, bytes, as: descriptor.digest, tags: [], in: repository)
        }
    }

    /// Which of the documents about an image are attached to it already.
    func attachedDocuments(of image: PackagedImage, in repository: RepositoryName) async throws -> Set<Digest>
    {
        try await catalog.referrers(
            of: image.digest,
            in: repository,
            among: image.attestations.map(\.manifest.descriptor.digest)
        )
    }

    /// Makes a document a blob of a repository, unless it is one and whole.
    func push(_ document: PackagedImage.Document, in repository: RepositoryName) async throws {
        let digest = document.descriptor.digest
        do {
            _ = try await statBlob(digest, in: repository)
            return
        } catch RegistryError.blobUnknown {}
        try await withSession { id in
            _ = try await blobs.append([ByteBuffer(bytes: document.bytes)], to: id, at: 0)
            let verified = try await blobs.finishUpload(id, expecting: digest)
            _ = try await publish(verified, in: repository)
        }
    }
}
