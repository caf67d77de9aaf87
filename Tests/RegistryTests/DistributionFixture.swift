import Foundation
import OCI
import TestSupport

/// The data folder of a distribution registry, as a test writes it.
struct DistributionFixture {
    let path: String

    private var root: String { path + "/docker/registry/v2" }

    init(_ folder: TemporaryFolder) throws {
        path = folder.file("registry")
        for name in ["blobs", "repositories"] {
            try FileManager.default.createDirectory(
                atPath: "\(path)/docker/registry/v2/\(name)",
                withIntermediateDirectories: true
            )
        }
    }

    func blob(_ digest: Digest) -> String {
        "\(root)/blobs/\(digest.algorithm)/\(digest.encoded.prefix(2))/\(digest.encoded)/data"
    }

    /// Where it says that a repository has a manifest.
    func revision(_ digest: Digest, in repository: String) -> String {
        "\(root)/repositories/\(repository)/_manifests/revisions/\(digest.algorithm)/\(digest.encoded)"
    }

    func write(_ bytes: [UInt8], to file: String) throws {
        let parent = (file as NSString).deletingLastPathComponent
        try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
        try Data(bytes).write(to: URL(filePath: file))
    }

    func add(_ blob: BlobFixture) throws { try write(blob.bytes, to: self.blob(blob.digest)) }

    func link(_ digest: Digest, _ place: String) throws {
        try write(Array(digest.description.utf8), to: "\(root)/repositories/\(place)/link")
    }

    func add(_ bytes: [UInt8], _ digest: Digest, to repository: String, tags: [String] = []) throws {
        try write(bytes, to: blob(digest))
        try link(digest, "\(repository)/_manifests/revisions/\(digest.algorithm)/\(digest.encoded)")
        for tag in tags { try point(tag, to: digest, in: repository) }
    }

    func point(_ tag: String, to digest: Digest, in repository: String) throws {
        try link(digest, "\(repository)/_manifests/tags/\(tag)/current")
    }

    func add(_ manifest: ManifestFixture, to repository: String, tags: [String] = []) throws {
        try add(manifest.bytes, manifest.digest, to: repository, tags: tags)
    }

    func add(_ image: ImageFixture, to repository: String, tags: [String] = []) throws {
        for blob in image.blobs {
            try add(blob)
            try link(blob.digest, "\(repository)/_layers/\(blob.digest.algorithm)/\(blob.digest.encoded)")
        }
        try add(image.manifest, to: repository, tags: tags)
    }
}
