import HTTPTypes
import Hummingbird
import NIOCore
import OCI
import Registry
import Storage

// Images under the names that people know: what is there, the executable again, and away with it.
extension Handlers {
    /// What is known of an image, as text or JSON; with `?file` the executable that it was made of.
    func readImage(_ name: ImageName) async throws -> Response {
        let wanted = try ImageQuery(query)
        return try await explainingAbsence(of: name) {
            wanted.wantsFile
                ? try await readExecutable(of: name, for: wanted.platform)
                : try await describe(name, wanted.platform, as: headers.prefersJSON ? .json : .text)
        }
    }

    /// How an image is described.
    enum DescriptionForm {
        case text
        case json
    }

    /// Describes an image: what `berth inspect` shows.
    func describe(
        _ name: ImageName,
        _ platform: Platform?,
        as form: DescriptionForm
    ) async throws -> Response {
        let description = ImageDescription(
            image: try await registry.image(name, for: platform),
            platform: platform,
            authority: authority,
            baseURL: baseURL
        )
        let (bytes, type): ([UInt8], String) =
            switch form {
            case .text: (Array(description.text.utf8), "text/plain; charset=utf-8")
            case .json: (description.json.canonicalBytes, "application/json")
            }
        // Of the description: what is known of an image changes, and its digest does not.
        let tag = Digest(of: bytes)
        var fields: HTTPFields = [
            .dockerContentDigest: description.image.digest.description,
            .eTag: "\"\(tag)\"",
            .cacheControl: Self.revalidated,
        ]
        fields[.vary] = "Accept"
        if EntityTag.matches(headers[values: .ifNoneMatch], tag) { return .empty(.notModified, fields) }
        return .bytes(bytes, type: type, fields)
    }

    /// Nobody may hand out what a tag stood for without asking what it stands for now.
    static var revalidated: String { "no-cache" }

    /// Removes a tag, or an image with all its tags, and says what stays.
    func deleteImage(_ name: ImageName) async throws -> Response {
        if let item = query.items.first { throw ImageQueryError.unneeded(item.name) }
        return try await explainingAbsence(of: name) {
            // Before it is removed: nobody can be asked afterwards.
            let digest = try await registry.manifest(name.reference, in: name.repository).digest
            try await registry.deleteManifest(name.reference, in: name.repository)
            var fields: HTTPFields = [.dockerContentDigest: digest.description]
            fields[.vary] = "Accept"
            var response: Response
            if headers.prefersJSON {
                let document = JSONValue.object([
                    .init("removed", .string(name.description)), .init("digest", .string(digest.description)),
                ])
                response = .json(document, fields)
            } else {
                let text = "\(Self.removal(of: name, digest))\n"
                response = .bytes(Array(text.utf8), type: "text/plain; charset=utf-8", fields)
            }
            response.status = .accepted
            return response
        }
    }

    private static func removal(of name: ImageName, _ digest: Digest) -> String {
        switch name.reference {
        case .tag:
            """
            removed the tag \(name); what it stood for stays as \(name.repository)@\(digest) until it is collected
            """
        case .digest: "removed \(name) and the tags that it had; its layers stay until they are collected"
        }
    }

    /// Runs a body, and where the image is not there says which are.
    func explainingAbsence(
        of name: ImageName,
        _ body: () async throws -> Response
    ) async throws -> Response {
        do {
            return try await body()
        } catch let error as RegistryError {
            guard case .manifestUnknown(name.reference) = error else { throw error }
            throw AbsentImage(
                name: name,
                tags: try await tags(of: name.repository),
                address: request.method == .delete ? nil : "\(baseURL)/\(name.repository)"
            )
        }
    }

    /// A few tags of a repository; nil where there is none.
    private func tags(of repository: RepositoryName) async throws -> Page<TagRecord>? {
        do {
            return try await registry.tags(of: repository, after: nil, limit: Self.mentionedTags)
        } catch RegistryError.repositoryUnknown {
            return nil
        }
    }

    /// As many as fit into a line.
    private static var mentionedTags: Int { 8 }
}
