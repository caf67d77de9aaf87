/// What an image runs on, in Go's names: `linux/amd64`, `linux/arm/v7`.
///
/// - SeeAlso: image-spec v1.1.1, image-index.md, "platform"
package struct Platform: Hashable, Sendable {
    package var os: String
    package var architecture: String
    package var variant: String?
    package var osVersion: String?

    package init(os: String, architecture: String, variant: String? = nil, osVersion: String? = nil) {
        self.os = os
        self.architecture = architecture
        self.variant = variant
        self.osVersion = osVersion
    }
}

extension Platform {
    /// Parses `os/architecture` or `os/architecture/variant`; nil for anything else.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        let isGrammatical = parts.allSatisfy { part in
            (1...32).contains(part.utf8.count)
                && part.utf8.allSatisfy { $0.isASCIILowercase || $0.isASCIIDigit || "._-".utf8.contains($0) }
        }
        guard (2...3).contains(parts.count), isGrammatical else { return nil }
        self.init(
            os: String(parts[0]),
            architecture: String(parts[1]),
            variant: parts.count == 3 ? String(parts[2]) : nil
        )
    }
}

extension Platform: CustomStringConvertible {
    package var description: String {
        [os, architecture, variant].compactMap { $0 }.joined(separator: "/")
    }
}

extension Platform: Decodable {
    private enum CodingKeys: String, CodingKey {
        case os, architecture, variant
        case osVersion = "os.version"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        os = try container.decodeIfPresent(String.self, forKey: .os) ?? ""
        architecture = try container.decodeIfPresent(String.self, forKey: .architecture) ?? ""
        variant = try container.decodeIfPresent(String.self, forKey: .variant)
        osVersion = try container.decodeIfPresent(String.self, forKey: .osVersion)
    }
}

extension Platform: Encodable {
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(os, forKey: .os)
        try container.encode(architecture, forKey: .architecture)
        try container.encodeIfPresent(variant, forKey: .variant)
        try container.encodeIfPresent(osVersion, forKey: .osVersion)
    }
}

extension Platform {
    /// The platform in the specification's order of keys.
    package var json: JSONValue {
        var members: [JSONValue.Member] = [
            .init("architecture", .string(architecture)),
            .init("os", .string(os)),
        ]
        if let osVersion { members.append(.init("os.version", .string(osVersion))) }
        if let variant { members.append(.init("variant", .string(variant))) }
        return .object(members)
    }
}
