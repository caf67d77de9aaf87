import HTTPTypes
import Hummingbird
import OCI
import Registry

extension Handlers {
    /// Lists what is known about a manifest: always an index, also of nothing (end-12a, end-12b).
    func listReferrers(of subject: Digest, in repository: RepositoryName) async throws -> Response {
        let pagination = try Pagination(query)
        let cursor = try pagination.last.map { text in
            guard let cursor = Registry.ReferrerCursor(text) else { throw EndpointError.malformedQuery }
            return cursor
        }
        let artifactType = query["artifactType"].flatMap { $0.isEmpty ? nil : $0 }
        let page = try await registry.referrers(
            of: subject,
            in: repository,
            artifactType: artifactType,
            at: cursor,
            limit: pagination.limit
        )
        var fields = HTTPFields()
        if artifactType != nil { fields[.ociFiltersApplied] = "artifactType" }
        if let next = page.next, pagination.limit > 0 {
            let filter = artifactType.map { "&artifactType=\(PercentEncoding.encode($0))" } ?? ""
            fields[.link] =
                "</v2/\(repository)/referrers/\(subject)?n=\(pagination.limit)\(filter)&last=\(next.text)>; rel=\"next\""
        }
        let index = JSONValue.object([
            .init("schemaVersion", .integer(2)),
            .init("mediaType", .string(MediaType.ociIndex.rawValue)),
            .init("manifests", .array(page.descriptors.map(JSONValue.canonical))),
        ])
        return .bytes(index.canonicalBytes, type: MediaType.ociIndex.rawValue, fields)
    }
}
