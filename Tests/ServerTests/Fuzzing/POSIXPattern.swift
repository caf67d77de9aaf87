import Foundation

/// An extended regular expression as POSIX defines it, matched by the C library: a second opinion on every grammar.
final class POSIXPattern {
    private var compiled = regex_t()
    private let groupCount: Int

    /// Compiles a pattern, which has to match a text from its first byte to its last.
    init(_ pattern: String) {
        let status = regcomp(&compiled, "^(\(pattern))$", REG_EXTENDED)
        precondition(status == 0, "\(pattern) is no regular expression")
        groupCount = compiled.re_nsub + 1
    }

    deinit { regfree(&compiled) }

    /// What the pattern's groups matched, an empty text for one that took no part; nil where the pattern does not match.
    func groups(_ text: String) -> [String]? {
        // To the C library a NUL is the end.
        guard !text.utf8.contains(0) else { return nil }
        var matches = [regmatch_t](repeating: regmatch_t(), count: groupCount)
        guard regexec(&compiled, text, matches.count, &matches, 0) == 0 else { return nil }
        let bytes = Array(text.utf8)
        return matches.dropFirst(2).map { match in
            guard match.rm_so >= 0 else { return "" }
            return String(decoding: bytes[Int(match.rm_so)..<Int(match.rm_eo)], as: UTF8.self)
        }
    }

    func matches(_ text: String) -> Bool { groups(text) != nil }
}

/// The grammars of the specifications, as these write them.
enum SpecifiedGrammar {
    /// What distribution-spec, "Pulling manifests", calls a name.
    static let name = "[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*)*"
    /// What distribution-spec, "Pulling manifests", calls a reference, where it is a tag.
    static let tag = "[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}"
    /// From image-spec, descriptor.md, "Digests".
    static let digest = "[a-z0-9]+([+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]+"
    /// From image-spec, descriptor.md, "Registered Algorithms".
    static let registeredDigest = "sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128}"
    /// From RFC 6838, section 4.2.
    static let mediaType =
        "[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}"
}
