import OCI

/// How much of a list a request asks for: `n` and `last`.
///
/// - SeeAlso: distribution-spec v1.1.1, "Listing Tags"
struct Pagination: Hashable {
    let limit: Int
    let last: String?

    /// Where a client does not say.
    ///
    /// One page of everything would cost as much as there are tags.
    static let defaultLimit = 1000
    /// Where a client asks for more.
    static let maximumLimit = 10_000

    init(_ query: Query) throws(PaginationError) {
        if let text = query["n"] {
            guard !text.isEmpty, text.utf8.allSatisfy(\.isASCIIDigit) else {
                throw PaginationError(text: text)
            }
            limit = min(Int(text) ?? Self.maximumLimit, Self.maximumLimit)
        } else {
            limit = Self.defaultLimit
        }
        last = query["last"]
    }
}

/// A page size that is no number, or negative.
struct PaginationError: Error, Equatable, CustomStringConvertible {
    let text: String
    var description: String { "n=\(text.printable) is no number of entries" }
}
