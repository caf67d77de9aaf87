import FoundationEssentials
import HTTPTypes
import Hummingbird
import OCI
import Registry
import Storage

// What the commands ask. Only the socket beside the storage folder leads here.
extension Handlers {
    func administer(_ endpoint: AdministrationEndpoint) async throws -> Response {
        switch endpoint {
        case .listImages: try await listImages()
        case .inspectImage: try await inspectImage()
        case .listUploads: try await listUploads()
        case .export: try await export()
        case .collect: try collect()
        case .importDistribution: try await importDistribution()
        case .verify: try await verify()
        case .backUp: try await backUp()
        }
    }

    /// `?n=` and `?last=<repository>[:<tag>]`, as every list; `last` of the reply continues it.
    private func listImages() async throws -> Response {
        let pagination = try Pagination(query)
        let page = try await registry.images(
            after: pagination.last.map(cursor),
            // A row costs several look-ups.
            limit: min(pagination.limit, 100)
        )
        var members: [JSONValue.Member] = [.init("images", .array(page.elements.map(\.json)))]
        if page.hasMore, let last = page.elements.last {
            let name = last.tag.map { "\(last.repository):\($0.tag)" } ?? last.repository.rawValue
            members.append(.init("last", .string(name)))
        }
        return .json(.object(members))
    }

    private func cursor(_ text: String) throws -> Registry.ImageCursor {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        do {
            return Registry.ImageCursor(
                repository: try RepositoryName(parts[0]),
                tag: try parts.count == 2 ? Tag(parts[1]) : nil
            )
        } catch {
            throw EndpointError.malformedQuery
        }
    }

    /// `?name=` is the image, `?platform=` picks one of an index, and with `?form=text` it is told for people.
    private func inspectImage() async throws -> Response {
        let name: ImageName
        do { name = try ImageName(query["name"] ?? "") } catch {
            throw RequestError.imageName(error)
        }
        let platform = try query["platform"].map(ImageQuery.platform)
        let form: DescriptionForm = query["form"] == "text" ? .text : .json
        return try await explainingAbsence(of: name) { try await describe(name, platform, as: form) }
    }
}

extension ImageSummary {
    fileprivate var json: JSONValue {
        var members: [JSONValue.Member] = [.init("repository", .string(repository.rawValue))]
        if let tag {
            members += [
                .init("tag", .string(tag.tag.rawValue)),
                .init("digest", .string(tag.digest.description)),
                .init("platforms", .strings(platforms.map(\.description))),
                .init("size", .integer(size)),
                .init("updated", .string(tag.updated.rfc3339)),
            ]
            if let expires = tag.expires { members.append(.init("expires", .string(expires.rfc3339))) }
        }
        return .object(members)
    }
}

extension Timestamp {
    /// The moment as `2026-01-31T12:00:00Z`.
    var rfc3339: String {
        Date(timeIntervalSince1970: Double(milliseconds) / 1000).formatted(.iso8601)
    }
}
