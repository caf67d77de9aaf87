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
