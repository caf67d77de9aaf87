import HTTPTypes
import Hummingbird
import OCI
import Registry
import Storage

extension Handlers {
    /// Lists tags (end-8a, end-8b).
    func listTags(of repository: RepositoryName) async throws -> Response {
        let pagination = try Pagination(query)
        let page = try await registry.tagNames(
            of: repository,
            after: pagination.last,
            limit: pagination.limit
        )
        let names = page.elements.map(\.rawValue)
        let document = JSONValue.object([
            .init("name", .string(repository.rawValue)), .init("tags", .strings(names)),
        ])
        return .json(
            document,
            nextPage("/v2/\(repository)/tags/list", behind: page.hasMore ? names.last : nil, pagination)
        )
    }

    /// The list of repositories.
    func listRepositories() async throws -> Response {
        let pagination = try Pagination(query)
        let page = try await registry.repositories(after: pagination.last, limit: pagination.limit)
        let names = page.elements.map(\.rawValue)
        return .json(
            .object([.init("repositories", .strings(names))]),
            nextPage("/v2/_catalog", behind: page.hasMore ? names.last : nil, pagination)
        )
    }

    /// Where the list goes on, if it does.
    ///
    /// Names and tags hold nothing that would have to be encoded but slashes, which a query may hold.
    private func nextPage(_ path: String, behind last: String?, _ pagination: Pagination) -> HTTPFields {
        guard let last else { return [:] }
        return [.link: "<\(path)?n=\(pagination.limit)&last=\(last)>; rel=\"next\""]
    }
}
