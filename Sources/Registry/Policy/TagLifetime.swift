import OCI

/// How long tags that a pattern stands for are there: `pr-*=7d`, `ci/*:*=12h`.
package struct TagLifetime: Hashable, Sendable {
    package let pattern: TagPattern
    package let duration: Duration

    /// From a second to ten years.
    package static let durations = Duration.seconds(1)...Duration.seconds(10 * 365 * 86_400)

    /// Parses `[<pattern of repositories>:]<pattern of tags>=<duration>`.
    package init(_ text: some StringProtocol) throws(TagLifetimeError) {
        guard let equals = text.lastIndex(of: "=") else { throw .missingDuration }
        do { pattern = try TagPattern(text[..<equals]) } catch { throw .pattern(error) }
        let bounds = Self.durations
        guard let duration = try? Duration(text: String(text[text.index(after: equals)...])),
            bounds.contains(duration)
        else { throw .duration }
        self.duration = duration
    }
}

extension TagLifetime: CustomStringConvertible {
    package var description: String { "\(pattern)=\(duration.text)" }
}

/// Why a text says of no tags how long they are there.
package enum TagLifetimeError: Error, Equatable {
    case missingDuration
    case duration
    case pattern(NamePatternError)
}

extension TagLifetimeError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .missingDuration: "write a pattern of tags and a duration, such as pr-*=7d"
        case .duration:
            "a tag is there from 1s to 3650d: write a whole number with s, m, h or d, such as pr-*=7d"
        case .pattern(let error): error.description
        }
    }
}
