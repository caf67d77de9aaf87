import NIOCore
import NIOPosix
import OCI

/// Where the bytes of a blob come from.
enum BlobSource: Sendable {
    case file(FilePart)
    /// A repository of some registry.
    case registry(RegistryClient)

    func content(of blob: Descriptor, sent: @escaping @Sendable (Int64) -> Void) -> RegistryRequest.Content {
        switch self {
        case .file(let part): .file(part, sent: sent)
        case .registry(let client): .download(BlobDownload(blob, from: client), sent: sent)
        }
    }

    /// All bytes of a blob that is a document, of which there must not be more than so many.
    func contents(of blob: Descriptor, limit: Int) async throws -> [UInt8] {
        guard blob.size <= limit else {
            throw CommandError("\(blob.digest) is too large: it has \(blob.size) bytes")
        }
        switch self {
        case .file(let part):
            return try await NIOThreadPool.singleton.runIfActive { try part.contents(limit: limit) }
        case .registry(let client):
            var bytes: [UInt8] = []
            for try await chunk in BlobDownload(blob, from: client) { bytes += chunk.readableBytesView }
            return bytes
        }
    }

    /// Whether a file holds something else than it should; what is downloaded is held against its digest anyway.
    func isDamaged(_ blob: Descriptor) async throws -> Bool {
        guard case .file(let part) = self, let algorithm = blob.digest.supportedAlgorithm else {
            return false
        }
        return try await NIOThreadPool.singleton.runIfActive {
            var digester = Digester(algorithm)
            try part.forEachPortion { digester.update($0) }
            return digester.finish() != blob.digest
        }
    }
}

/// From where in a registry a blob may be had without being sent.
enum BlobMount: Hashable, Sendable {
    case repository(RepositoryName)
    /// Wherever the registry has it.
    case anywhere
}

/// How a blob came to be where it was pushed to.
enum BlobPush: Hashable, Sendable {
    case known
    case mounted
    case uploaded
}
