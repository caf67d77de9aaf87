import Testing
import OCI
import TestSupport

/// A kind of name: how to make one, what the specification says is one, and what our parser says.
struct IdentifierGrammar: Sendable, CustomTestStringConvertible {
    let name: String
    let make: @Sendable (inout SplitMix) -> String
    /// Built for each use: a compiled pattern belongs to one thread.
    let oracle: @Sendable () -> (String) -> Bool
    /// What a parsed value says it is; nil for a text that was refused.
    let parse: @Sendable (String) -> String?

    var testDescription: String { name }

    static let all = [repository, tag, digest, reference, mediaType]

    static let repository = IdentifierGrammar(
        name: "repository name",
        make: { random in
            (0..<Int.random(in: 1...4, using: &random)).map { _ in component(&random) }
                .joined(separator: "/")
        },
        oracle: {
            let pattern = POSIXPattern(SpecifiedGrammar.name)
            return { $0.utf8.count <= 255 && pattern.matches($0) }
        },
        parse: { try? RepositoryName($0).description }
    )

    private static func component(_ random: inout SplitMix) -> String {
        var text = random.text("abz019", 1...4)
        for _ in 0..<Int.random(in: 0...2, using: &random) {
            text += random.pick([".", "_", "__", "-", "--", "-----"]) + random.text("abz019", 1...3)
        }
        // Now and then one that comes near the longest name there may be.
        if random.once(in: 40) { text += random.text("a", 200...256) }
        return text
    }

    static let tag = IdentifierGrammar(
        name: "tag",
        make: { random in
            random.text("azAZ09_", 1...1)
                + random.text("azAZ09_.-", random.once(in: 20) ? 120...130 : 0...10)
        },
        oracle: { POSIXPattern(SpecifiedGrammar.tag).matches },
        parse: { try? Tag($0).description }
    )

    static let digest = IdentifierGrammar(
        name: "digest",
        make: { random in
            switch Int.random(in: 0...3, using: &random) {
            case 0: return "sha256:" + random.text("0189abef", 64...64)
            case 1: return "sha512:" + random.text("0189abef", 128...128)
            case 2: return "\(random.pick(["sha256", "sha512"])):" + random.text("09af", 60...68)
            default:
                let parts = (0...Int.random(in: 0...2, using: &random)).map { _ in
                    random.text("azsh019", 1...4)
                }
                return parts.joined(separator: random.pick(["+", ".", "_", "-"])) + ":"
                    + random.text("azAZ09=_-", random.once(in: 20) ? 490...520 : 1...20)
            }
        },
        oracle: {
            let general = POSIXPattern(SpecifiedGrammar.digest)
            let registered = POSIXPattern(SpecifiedGrammar.registeredDigest)
            return { text in
                let isRegistered = text.hasPrefix("sha256:") || text.hasPrefix("sha512:")
                return text.utf8.count <= 512 && (isRegistered ? registered : general).matches(text)
            }
        },
        parse: { try? Digest($0).description }
    )

    static let reference = IdentifierGrammar(
        name: "reference",
        make: { random in random.once(in: 2) ? tag.make(&random) : digest.make(&random) },
        oracle: {
            let (isTag, isDigest) = (tag.oracle(), digest.oracle())
            return { isTag($0) || isDigest($0) }
        },
        parse: { try? Reference($0).description }
    )

    static let mediaType = IdentifierGrammar(
        name: "media type",
        make: { random in
            let alphabet = "azAZ09!#$&-^_.+"
            let lengths = random.once(in: 20) ? 120...128 : 0...12
            return random.text("azAZ09", 1...1) + random.text(alphabet, lengths) + "/"
                + random.text("azAZ09", 1...1) + random.text(alphabet, lengths)
        },
        oracle: { POSIXPattern(SpecifiedGrammar.mediaType).matches },
        parse: { try? MediaType($0).description }
    )
}
