import FoundationEssentials

/// Part of a list that the owner gives page by page.
protocol OwnerPage: Decodable {
    associatedtype Element

    var elements: [Element] { get }
    /// What the next page begins behind; nil at the end.
    var last: String? { get }
}

extension OwnerConnection {
    /// All elements of a list.
    func list<Page: OwnerPage>(_ path: String, _ type: Page.Type) async throws -> [Page.Element] {
        var elements: [Page.Element] = []
        var last: String?
        repeat {
            let reply = try await get(last.map { "\(path)?last=\(URLText.encoded($0))" } ?? path)
            guard reply.status == 200 else { throw CommandError(reply.message) }
            let page = try JSONDecoder().decode(Page.self, from: Data(reply.body))
            elements += page.elements
            last = page.last
        } while last != nil
        return elements
    }
}
