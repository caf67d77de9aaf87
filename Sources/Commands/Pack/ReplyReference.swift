import FoundationEssentials

/// The reference in what the owner of a storage folder says of an image, as JSON.
struct ReplyReference {
    let text: String

    private struct Document: Decodable {
        let reference: String
    }

    init(_ reply: String) throws {
        text = try JSONDecoder().decode(Document.self, from: Data(reply.utf8)).reference
    }
}
