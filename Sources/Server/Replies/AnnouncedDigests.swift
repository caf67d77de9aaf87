import FoundationEssentials
import HTTPTypes
import OCI

/// The digests that a client says the content of its request has.
///
/// - SeeAlso: RFC 9530, "Digest Fields"; RFC 9651, section 3.2, "Dictionaries"
enum AnnouncedDigests {
    /// Reads `Repr-Digest`, `Content-Digest` and `X-Checksum-Sha256`.
    ///
    /// Digests of other algorithms than SHA-256 and SHA-512 say nothing here.
    /// - Throws: `RequestError.malformedDigestField` for a field that cannot be read: whoever sends one wants it checked.
    static func read(_ headers: HTTPFields) throws(RequestError) -> Set<Digest> {
        var digests: Set<Digest> = []
        for name in [HTTPField.Name.reprDigest, .contentDigest] {
            for value in headers[values: name] {
                for member in value.split(separator: ",", omittingEmptySubsequences: false) {
                    guard let digest = try parse(member, of: name) else { continue }
                    digests.insert(digest)
                }
            }
        }
        for value in headers[values: .checksumSHA256] {
            guard let digest = try? Digest("sha256:" + value.lowercased()) else {
                throw .malformedDigestField(HTTPField.Name.checksumSHA256.rawName, value)
            }
            digests.insert(digest)
        }
        for algorithm in SupportedAlgorithm.allCases
        where digests.count(where: { $0.supportedAlgorithm == algorithm }) > 1 {
            throw .contradictingDigests(algorithm)
        }
        return digests
    }

    /// Reads `sha-256=:base64:`; nil for another algorithm.
    private static func parse(
        _ member: Substring,
        of name: HTTPField.Name
    ) throws(RequestError) -> Digest? {
        let blanks: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        let text = member.drop(while: blanks)
        let malformed = RequestError.malformedDigestField(name.rawName, String(member))
        guard let equals = text.firstIndex(of: "="), equals > text.startIndex else { throw malformed }
        let algorithms: [String: SupportedAlgorithm] = ["sha-256": .sha256, "sha-512": .sha512]
        guard let algorithm = algorithms[String(text[..<equals])] else { return nil }
        // What follows the value are parameters, of which there are none with a meaning.
        let value = text[text.index(after: equals)...].split(separator: ";", maxSplits: 1)[0]
        let end = value.lastIndex { !blanks($0) }
        guard let end, value.first == ":", end > value.startIndex, value[end] == ":",
            let bytes = Data(base64Encoded: String(value[value.index(after: value.startIndex)..<end])),
            let digest = Digest(algorithm, hash: Array(bytes))
        else { throw malformed }
        return digest
    }
}

extension HTTPField.Name {
    static let contentDigest = known("Content-Digest")
    static let checksumSHA256 = known("X-Checksum-Sha256")
}
