import OCI

/// The `Content-Range` of a chunk of an upload: `<first>-<last>`, both inclusive, without a unit.
///
/// - SeeAlso: distribution-spec v1.1.1, "Pushing a blob in chunks": `^[0-9]+-[0-9]+$`
enum ContentRange {
    /// The bytes meant; nil for anything malformed.
    static func parse(_ header: String) -> Range<Int64>? {
        let bounds = header.split(separator: "-", omittingEmptySubsequences: false)
        guard bounds.count == 2, let first = number(bounds[0]), let last = number(bounds[1]), first <= last,
            last < .max
        else { return nil }
        return first..<last + 1
    }

    private static func number(_ text: Substring) -> Int64? {
        guard !text.isEmpty, text.utf8.allSatisfy(\.isASCIIDigit) else { return nil }
        return Int64(text)
    }
}
