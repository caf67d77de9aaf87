import OCI

/// Which tags of some repositories are kept, and how long what has lost its tag:
/// `ci/* last=10 pushed=30d pulled=14d tags=v* untagged=1d`.
///
/// A tag that any of `last`, `pushed`, `pulled` and `tags` keeps stays. A rule with none of these keeps all.
package struct RetentionRule: Hashable, Sendable {
    /// How long a manifest stays that has lost its tag.
    package enum Untagged: Hashable, Sendable {
        case after(Duration)
        /// It stays for ever.
        case never
    }

    package let repositories: NamePattern
    /// How many of the newest tags are kept, those that `keptTags` keeps not among them.
    package private(set) var last: Int?
    /// Tags are kept that were pushed no longer ago.
    package private(set) var pushedWithin: Duration?
    /// Tags are kept whose manifest was pulled no longer ago.
    package private(set) var pulledWithin: Duration?
    /// Tags are kept that one of these stands for.
    package private(set) var keptTags: [NamePattern] = []
    /// Nil for what holds everywhere.
    package private(set) var untagged: Untagged?

    /// Whether there is anything that keeps a tag, so that others go.
    package var retiresTags: Bool {
        last != nil || pushedWithin != nil || pulledWithin != nil || !keptTags.isEmpty
    }

    /// More than anybody looks through; each costs some bytes of memory while a repository is looked at.
    package static let lastRange = 0...100_000
    /// Up to ten years.
    package static let durations = Duration.zero...Duration.seconds(10 * 365 * 86_400)

    /// Parses a pattern of repositories and what is kept there, with blanks between.
    package init(_ text: String) throws(RetentionRuleError) {
        let words = text.split(separator: " ").map(String.init)
        guard let first = words.first else { throw .empty }
        do throws(NamePatternError) { repositories = try NamePattern(repositories: first) } catch {
            throw .pattern(first, error)
        }
        guard words.count > 1 else { throw .nothingKept }
        for word in words.dropFirst() { try add(word) }
    }

    private mutating func add(_ word: String) throws(RetentionRuleError) {
        let halves = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(
            String.init
        )
        guard halves.count == 2 else { throw .unknownWord(word) }
        let (name, value) = (halves[0], halves[1])
        switch name {
        case "last":
            guard last == nil else { throw .repeated(name) }
            guard let number = Int(value), String(number) == value, Self.lastRange.contains(number) else {
                throw .number(value)
            }
            last = number
        case "pushed":
            guard pushedWithin == nil else { throw .repeated(name) }
            pushedWithin = try Self.duration(value, of: name)
        case "pulled":
            guard pulledWithin == nil else { throw .repeated(name) }
            pulledWithin = try Self.duration(value, of: name)
        case "tags":
            do throws(NamePatternError) { keptTags.append(try NamePattern(value)) } catch {
                throw .pattern(value, error)
            }
            guard !value.contains("/") else { throw .pattern(value, .slashInTag) }
        case "untagged":
            guard untagged == nil else { throw .repeated(name) }
            untagged = value == "none" ? .never : .after(try Self.duration(value, of: name))
        default: throw .unknownWord(name)
        }
    }

    private static func duration(
        _ text: String,
        of name: String
    ) throws(RetentionRuleError) -> Duration {
        guard let duration = try? Duration(text: text), durations.contains(duration) else {
            throw .duration(name, text)
        }
        return duration
    }
}

extension RetentionRule: CustomStringConvertible {
    package var description: String {
        var words = [repositories.description]
        if let last { words.append("last=\(last)") }
        if let pushedWithin { words.append("pushed=\(pushedWithin.text)") }
        if let pulledWithin { words.append("pulled=\(pulledWithin.text)") }
        words += keptTags.map { "tags=\($0)" }
        switch untagged {
        case .after(let duration): words.append("untagged=\(duration.text)")
        case .never: words.append("untagged=none")
        case nil: break
        }
        return words.joined(separator: " ")
    }
}

/// Why a text is no rule of retention.
package enum RetentionRuleError: Error, Equatable {
    case empty
    case nothingKept
    case unknownWord(String)
    case repeated(String)
    case number(String)
    case duration(String, String)
    case pattern(String, NamePatternError)
}

extension RetentionRuleError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .empty:
            "write a pattern of repositories and what is kept there, such as ci/* last=10 untagged=1d"
        case .nothingKept:
            "behind the pattern write what is kept: last=10, pushed=30d, pulled=14d, tags=v* or untagged=1d"
        case .unknownWord(let word):
            "'\(word.printable)' is none of last=, pushed=, pulled=, tags= and untagged="
        case .repeated(let name): "\(name)= stands there twice"
        case .number(let text):
            "last='\(text.printable)' is no whole number from 0 to \(RetentionRule.lastRange.upperBound)"
        case .duration(let name, let text):
            """
            \(name)='\(text.printable)' is no time from 0s to 3650d: write a whole number with s, m, h or d, such as \
            \(name)=30d\(name == "untagged" ? ", or none" : "")
            """
        case .pattern(let text, let error): "'\(text.printable)': \(error)"
        }
    }
}
