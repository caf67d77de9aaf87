import HTTPTypes
import OCI
import Storage

/// An image that is not there, and what is there in its place.
struct AbsentImage: Error {
    let name: ImageName
    /// Some of the repository's tags; nil where there is no such repository.
    let tags: Page<TagRecord>?
    /// Where an executable is sent to become this repository's image; nil for who wants none.
    let address: String?
}

extension ErrorReply {
    init(_ error: AbsentImage) {
        let code: ErrorCode = error.tags == nil ? .nameUnknown : .manifestUnknown
        self.init(
            status: .notFound,
            code: code,
            message: error.message,
            hint: error.target.map { "to make it of an executable: curl -T ./program \($0)" },
            // It may be there in a moment.
            headers: [.cacheControl: Handlers.revalidated]
        )
    }
}

extension AbsentImage {
    fileprivate var message: String {
        guard let tags else { return "there is no repository \(name.repository)" }
        let missing =
            switch name.reference {
            case .tag(let tag): "there is no tag \(tag) in \(name.repository)"
            case .digest(let digest): "there is no image \(digest) in \(name.repository)"
            }
        let names = tags.elements.map(\.tag.rawValue).joined(separator: ", ")
        guard !names.isEmpty else { return "\(missing), nor any other tag" }
        return
            "\(missing); there \(tags.elements.count == 1 ? "is" : "are") \(names)\(tags.hasMore ? ", …" : "")"
    }

    /// The address that an upload would have.
    fileprivate var target: String? {
        switch name.reference {
        case .tag(.latest), .digest: address
        case .tag(let tag): address.map { "\($0):\(tag)" }
        }
    }
}
