import NIOHTTP1
import OCI

extension RegistryClient {
    /// Whether the repository has a blob.
    ///
    /// - SeeAlso: distribution-spec v1.1.1, end-2
    func hasBlob(_ digest: Digest) async throws -> Bool {
        let response = try await execute(RegistryRequest(.HEAD, url("blobs/\(digest)")))
        switch response.status {
        case 200: return true
        // Some registries answer HEAD for manifests alone.
        case 404, 405: return false
        default: throw unexpected(response, "look for a blob")
        }
    }

    /// Uploads a blob from a file, unless it is there.
    ///
    /// `sent` hears how much of it has gone out; the number falls where an attempt failed.
    func push(
        _ blob: Descriptor,
        from path: String,
        sent: @escaping @Sendable (Int64) -> Void
    ) async throws {
        _ = try await push(
            blob,
            from: .file(FilePart(path: path, offset: 0, size: blob.size, isWhole: true)),
            sent: sent
        )
    }

    /// Uploads a blob, unless it is there or can be had from another repository of the same registry.
    @discardableResult
    func push(
        _ blob: Descriptor,
        from source: BlobSource,
        mounting mount: BlobMount? = nil,
        sent: @escaping @Sendable (Int64) -> Void
    ) async throws -> BlobPush {
        try await retries.run {
            sent(0)
            var outcome = BlobPush.known
            if try await !hasBlob(blob.digest) {
                outcome = try await pushMissing(blob, source.content(of: blob, sent: sent), mounting: mount) {
                    sent(0)
                }
            }
            sent(blob.size)
            return outcome
        }
    }

    private func pushMissing(
        _ blob: Descriptor,
        _ content: RegistryRequest.Content,
        mounting mount: BlobMount?,
        onRepeat: () -> Void
    ) async throws -> BlobPush {
        guard let session = try await beginUpload(mounting: mount, blob.digest) else { return .mounted }
        if let refused = try await pushAtOnce(blob.digest, content, to: session) {
            onRepeat()
            try await pushInTwo(blob.digest, content, after: refused)
        }
        return .uploaded
    }

    /// Opens a session; nil where the blob could be mounted, and none is needed.
    ///
    /// - SeeAlso: distribution-spec v1.1.1, end-4a, end-11
    private func beginUpload(
        mounting mount: BlobMount? = nil,
        _ digest: Digest? = nil
    ) async throws -> RegistryURL? {
        var url = url("blobs/uploads/")
        if let mount, let digest {
            url = url.adding("mount", digest.description)
            if case .repository(let name) = mount { url = url.adding("from", name.rawValue) }
        }
        let start = RegistryRequest(.POST, url, content: .bytes([]))
        let response = try await execute(start)
        if response.status == 201, mount != nil { return nil }
        guard response.status == 202 else { throw unexpected(response, "begin an upload") }
        return try location(of: response, from: start.url)
    }

    /// Sends a blob with the request that ends its upload, and returns the reply where the registry may be one of those
    /// that take no content then.
    ///
    /// - SeeAlso: distribution-spec v1.1.1, end-6
    private func pushAtOnce(
        _ digest: Digest,
        _ content: RegistryRequest.Content,
        to session: RegistryURL
    ) async throws -> RegistryResponse? {
        let url = session.adding("digest", "\(digest)")
        let response = try await execute(RegistryRequest(.PUT, url, Self.octetStream, content: content))
        switch response.status {
        case 201, 204: return nil
        case 400, 404, 405, 411, 415, 416, 501: return response
        default: throw unexpected(response, "finish an upload")
        }
    }

    /// Sends a blob as one chunk, and ends its upload with a request of its own.
    ///
    /// - SeeAlso: distribution-spec v1.1.1, end-5
    private func pushInTwo(
        _ digest: Digest,
        _ content: RegistryRequest.Content,
        after refused: RegistryResponse
    ) async throws {
        guard let url = try await beginUpload() else { throw unexpected(refused, "begin an upload") }
        let patched = try await execute(RegistryRequest(.PATCH, url, Self.octetStream, content: content))
        guard (200...204).contains(patched.status) else {
            // What the registry said first tells more.
            throw unexpected(patched.isTransient ? patched : refused, "take a blob")
        }
        let end = try location(of: patched, from: url).adding("digest", "\(digest)")
        let response = try await execute(RegistryRequest(.PUT, end, content: .bytes([])))
        guard response.status == 201 || response.status == 204 else {
            throw unexpected(response, "finish an upload")
        }
    }

    private static var octetStream: HTTPHeaders { ["Content-Type": MediaType.octetStream.rawValue] }
}

extension RegistryResponse {
    fileprivate var isTransient: Bool { status == 429 || status >= 500 }
}
