import Hummingbird
import OCI
import Registry
import Storage

extension Handlers {
    /// `?n=` and `?last=<session>`, as every list; `last` of the reply continues it.
    func listUploads() async throws -> Response {
        let pagination = try Pagination(query)
        let last = try pagination.last.map { text in
            guard let id = UploadID(text) else { throw EndpointError.malformedQuery }
            return id
        }
        let page = try await registry.uploads(after: last, limit: pagination.limit)
        var members: [JSONValue.Member] = [.init("uploads", .array(page.elements.map(\.json)))]
        if page.hasMore, let last = page.elements.last {
            members.append(.init("last", .string(last.id.rawValue)))
        }
        return .json(.object(members))
    }
}

extension Registry.OpenUpload {
    fileprivate var json: JSONValue {
        .object([
            .init("id", .string(id.rawValue)),
            .init("repository", .string(repository.rawValue)),
            .init("size", .integer(offset)),
            .init("started", .string(started.rfc3339)),
            .init("lastActivity", .string(lastActivity.rfc3339)),
            .init("expires", .string(expires.rfc3339)),
        ])
    }
}
