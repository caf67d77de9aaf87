import OCI

/// The part of a blob that a `Range` header asks for.
///
/// - SeeAlso: RFC 9110, section 14.2
enum ByteRange: Hashable {
    /// The whole: there was no range, or one that may be passed over.
    case whole
    case part(Range<Int64>)
    /// Nothing of what was asked for exists.
    case unsatisfiable

    /// Reads `bytes=a-b`, `bytes=a-` or `bytes=-n`.
    ///
    /// Several ranges, other units and malformed ones ask for the whole, and so does any range of nothing: a client that
    /// asks for everything behind byte 0 would be refused an empty blob otherwise. A range that ends before it begins
    /// asks for what does not exist.
    init(_ header: String?, size: Int64) {
        self = size == 0 ? .whole : header.flatMap { Self.parse($0, size: size) } ?? .whole
    }

    private static func parse(_ header: String, size: Int64) -> ByteRange? {
        let unit = header.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard unit.count == 2, unit[0].lowercased() == "bytes" else { return nil }
        let bounds = unit[1].split(separator: "-", omittingEmptySubsequences: false)
        guard bounds.count == 2 else { return nil }
        switch (bounds[0].isEmpty, bounds[1].isEmpty) {
        case (true, true): return nil
        case (true, false):
            guard let count = number(bounds[1]) else { return nil }
            return count == 0 ? .unsatisfiable : .part(max(0, size - count)..<size)
        case (false, true):
            guard let first = number(bounds[0]) else { return nil }
            return first < size ? .part(first..<size) : .unsatisfiable
        case (false, false):
            guard let first = number(bounds[0]), let last = number(bounds[1]) else { return nil }
            return first <= last && first < size ? .part(first..<min(last, size - 1) + 1) : .unsatisfiable
        }
    }

    /// Digits, and nothing else.
    ///
    /// A number too large for any blob counts as the largest.
    private static func number(_ text: Substring) -> Int64? {
        guard !text.isEmpty, text.utf8.allSatisfy(\.isASCIIDigit) else { return nil }
        return Int64(text) ?? .max
    }
}
