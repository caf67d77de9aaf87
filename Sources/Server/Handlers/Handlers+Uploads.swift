import HTTPTypes
import Hummingbird
import NIOCore
import OCI
import Registry
import Storage

extension Handlers {
    /// Opens a session, takes a whole blob at once, or mounts one of another repository (end-4a, end-4b, end-4c, end-11).
    func startUpload(in repository: RepositoryName) async throws -> Response {
        if let text = query["mount"] {
            let digest = try digest(text)
            let source = try query["from"].map(repositoryName)
            if try await registry.mountBlob(digest, from: source, to: repository) {
                return created(digest, in: repository)
            }
        } else if let text = query["digest"] {
            let digest = try digest(text)
            let content = try content(of: nil)
            try await registry.pushBlob(content, as: digest, in: repository)
            return created(digest, in: repository)
        }
        let algorithm = query["digest-algorithm"].flatMap(SupportedAlgorithm.init(rawValue:)) ?? .sha256
        let status = try await registry.beginUpload(in: repository, algorithm: algorithm)
        return Response(status: .accepted, headers: fields(of: status, in: repository))
    }

    /// Says where a session stands (end-13).
    func readUpload(_ id: UploadID, in repository: RepositoryName) async throws -> Response {
        let status = try await registry.upload(id, in: repository)
        return .empty(.noContent, fields(of: status, in: repository))
    }

    /// Adds to a session (end-5).
    func appendToUpload(_ id: UploadID, in repository: RepositoryName) async throws -> Response {
        let content = try content(of: try await range(for: id, in: repository))
        let status = try await resumable(id, in: repository) {
            try await registry.append(content, to: id, in: repository)
        }
        return Response(status: .accepted, headers: fields(of: status, in: repository))
    }

    /// Ends a session with what it is to be (end-6).
    func finishUpload(_ id: UploadID, in repository: RepositoryName) async throws -> Response {
        guard let text = query["digest"] else { throw RequestError.missingDigest }
        let digest = try digest(text)
        let content = try content(of: try await range(for: id, in: repository))
        try await resumable(id, in: repository) {
            try await registry.finishUpload(content, of: id, as: digest, in: repository)
        }
        return created(digest, in: repository)
    }

    /// Ends a session without a blob (end-14).
    func cancelUpload(_ id: UploadID, in repository: RepositoryName) async throws -> Response {
        try await registry.cancelUpload(id, in: repository)
        return .empty(.noContent)
    }

    // MARK: Parts of requests

    private func content(of range: Range<Int64>?) throws -> Registry.UploadPart<RequestContent> {
        let content = try RequestContent(request, channel: channel)
        if let length = content.length {
            if let range, range.upperBound - range.lowerBound != length {
                throw RegistryError.contentLengthMismatch(
                    announced: range.upperBound - range.lowerBound,
                    actual: length
                )
            }
            if let limit = registry.policy.maximumUploadSize, length > limit {
                throw RegistryError.uploadTooLarge(limit: limit)
            }
        }
        return Registry.UploadPart(content: content, range: range, cut: content.cut)
    }

    private func range(for id: UploadID, in repository: RepositoryName) async throws -> Range<Int64>? {
        guard let header = headers[.contentRange] else { return nil }
        if let range = ContentRange.parse(header) { return range }
        let status = try await registry.upload(id, in: repository)
        throw RequestError.wrongOffset(
            message: "Content-Range has the form <first byte>-<last byte>",
            UploadFields(status: status, repository: repository)
        )
    }

    private func digest(_ text: String) throws -> Digest {
        do { return try Digest(text) } catch { throw EndpointError.digest(error) }
    }

    private func repositoryName(_ text: String) throws -> RepositoryName {
        do { return try RepositoryName(text) } catch { throw EndpointError.repositoryName(error) }
    }

    // MARK: Parts of replies

    private func created(_ digest: Digest, in repository: RepositoryName) -> Response {
        .empty(
            .created,
            [
                .location: "/v2/\(repository)/blobs/\(digest)",
                .dockerContentDigest: digest.description,
                .contentLength: "0",
            ]
        )
    }

    private func fields(of status: Registry.UploadStatus, in repository: RepositoryName) -> HTTPFields {
        UploadFields(status: status, repository: repository).fields
    }

    /// Adds to a refusal of out-of-order content where the session stands, so that the client can go on in one step.
    private func resumable<Value>(
        _ id: UploadID,
        in repository: RepositoryName,
        _ body: () async throws -> Value
    ) async throws -> Value {
        do {
            return try await body()
        } catch let error as StorageError {
            guard case .wrongOffset(_, let offset) = error else { throw error }
            let status = Registry.UploadStatus(id: id, offset: offset)
            throw RequestError.wrongOffset(
                message: error.description,
                UploadFields(status: status, repository: repository)
            )
        }
    }
}
