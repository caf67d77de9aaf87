import HTTPTypes
import Hummingbird
import NIOCore
import OCI
import Registry
import Storage

extension Handlers {
    /// The stored bytes, of the stored type, whatever the client would rather have (end-3).
    func readManifest(_ reference: Reference, in repository: RepositoryName) async throws -> Reply {
        let pulled =
            isHead
            ? try await registry.statManifest(reference, in: repository)
            : try await registry.pullManifest(reference, in: repository)
        let record = pulled.record
        let fields: HTTPFields = [
            .contentType: record.mediaType.rawValue,
            .dockerContentDigest: record.digest.description,
            .eTag: "\"\(record.digest)\"",
        ]
        if EntityTag.matches(headers[values: .ifNoneMatch], record.digest) {
            return Reply(.empty(.notModified, fields))
        }
        let content = ByteBuffer(bytes: record.bytes)
        let isSmall = record.bytes.count <= HotRequest.maximumContent
        return Reply(
            Response(status: .ok, headers: fields, body: ResponseBody(byteBuffer: content)),
            isHead ? nil : content,
            for: isSmall ? pulled.lease : nil
        )
    }

    /// Stores a manifest (end-7a, end-7b).
    func pushManifest(_ reference: Reference, in repository: RepositoryName) async throws -> Response {
        let contentType = try headers[.contentType].map { (header: String) in
            do throws(MediaTypeError) {
                return try MediaType(headerValue: header)
            } catch {
                throw RequestError.malformedContentType(error)
            }
        }
        let tags = try tags(beside: reference)
        let content = try RequestContent(request, channel: channel)
        let bytes: [UInt8]
        do {
            bytes = try await content.collect(upTo: Manifest.maximumSize)
        } catch ContentError.tooLarge {
            throw RegistryError.manifestInvalid(.tooLarge)
        }
        let pushed = try await registry.pushManifest(
            bytes,
            contentType: contentType,
            as: reference,
            tags: tags,
            in: repository
        )
        var fields: HTTPFields = [
            .location: "/v2/\(repository)/manifests/\(pushed.digest)",
            .dockerContentDigest: pushed.digest.description,
            .contentLength: "0",
        ]
        if let subject = pushed.subject { fields[.ociSubject] = subject.description }
        fields[values: .ociTag] = tags.map(\.rawValue)
        return .empty(.created, fields)
    }

    /// The tags that a push by digest gives the manifest besides: `?tag=`, as often as wanted.
    private func tags(beside reference: Reference) throws -> [Tag] {
        let names = query.items.filter { $0.name == "tag" }.map(\.value)
        guard case .digest = reference else {
            // A push by tag has its name in the path. One that would be passed over is said to be wrong.
            guard names.isEmpty else { throw RequestError.tagsBesideTag }
            return []
        }
        guard names.count <= Self.maximumTags else { throw RequestError.tooManyTags(limit: Self.maximumTags) }
        var seen: Set<Tag> = []
        return try names.map(tag).filter { seen.insert($0).inserted }
    }

    private func tag(_ name: String) throws -> Tag {
        do { return try Tag(name) } catch { throw EndpointError.reference(.tag(error)) }
    }

    /// Each has a field of its own in the reply, and Python's HTTP client reads no more than 100 of these; the
    /// specification has every registry take ten.
    private static var maximumTags: Int { 64 }

    /// Removes a tag or a manifest (end-9).
    func deleteManifest(_ reference: Reference, in repository: RepositoryName) async throws -> Response {
        try await registry.deleteManifest(reference, in: repository)
        return .empty(.accepted, [.contentLength: "0"])
    }
}
