/// The content address of a blob or manifest, such as `sha256:6c3c624b…`.
///
/// A value exists only if it follows the specification's grammar and, for a registered algorithm, has the right
/// number of lower-case hexadecimal digits. Only a digest that `isSupported` may name something stored, and only
/// then is `encoded` safe as a file name.
///
/// - SeeAlso: image-spec v1.1.1, descriptor.md, "Digests"
package struct Digest: Hashable, Sendable {
    /// The hash function that made it.
    package let algorithm: Algorithm
    /// The part behind the colon: for registered algorithms lower-case hexadecimal digits.
    package let encoded: String

    /// The longest text that is looked at.
    ///
    /// No algorithm in use comes near it; without a bound a request line could carry tens of kilobytes into
    /// logs and rows.
    package static let maximumLength = 512

    /// Parses `algorithm ":" encoded`, accepting only the canonical spelling.
    package init(_ string: some StringProtocol) throws(DigestError) {
        guard string.utf8.count <= Self.maximumLength else { throw .tooLong }
        if let plain = Self(sha256: String(string)) {
            self = plain
            return
        }
        guard let colon = string.firstIndex(of: ":") else { throw .missingSeparator }
        let algorithm = try Algorithm(string[..<colon])
        let encoded = string[string.index(after: colon)...]
        try algorithm.validate(encoded.utf8)
        self.algorithm = algorithm
        self.encoded = String(encoded)
    }

    /// What nearly every digest is, in a way that costs little; nil for any other text, right or wrong.
    private init?(sha256 text: String) {
        let utf8 = text.utf8
        guard utf8.count == 71, utf8.starts(with: "sha256:".utf8) else { return nil }
        let encoded = utf8.dropFirst(7)
        guard encoded.allSatisfy({ 0x30...0x39 ~= $0 || 0x61...0x66 ~= $0 }) else { return nil }
        algorithm = .sha256
        self.encoded = String(Substring(encoded))
    }

    /// The digest of finished hash bytes.
    ///
    /// Only `Digester` has those.
    init(algorithm: Algorithm, hash: some Sequence<UInt8>) {
        self.algorithm = algorithm
        self.encoded = String(decoding: hash.flatMap(hexadecimalDigits), as: UTF8.self)
    }

    /// A digest from the bytes of a hash; nil unless there are as many as the algorithm makes.
    package init?(_ algorithm: SupportedAlgorithm, hash: [UInt8]) {
        let (name, size): (Algorithm, Int) =
            switch algorithm {
            case .sha256: (.sha256, 32)
            case .sha512: (.sha512, 64)
            }
        guard hash.count == size else { return nil }
        self.init(algorithm: name, hash: hash)
    }

    /// The digest of bytes at hand, with a supported algorithm.
    package init(of bytes: some Sequence<UInt8>, algorithm: SupportedAlgorithm = .sha256) {
        var digester = Digester(algorithm)
        digester.update(bytes)
        self = digester.finish()
    }

    /// The algorithm, where this program can compute it; nil for one that is only grammatical.
    package var supportedAlgorithm: SupportedAlgorithm? {
        switch algorithm {
        case .sha256: .sha256
        case .sha512: .sha512
        case .other: nil
        }
    }

    /// Whether content of this digest can be verified, and therefore stored.
    package var isSupported: Bool { supportedAlgorithm != nil }
}

extension Digest: CustomStringConvertible {
    package var description: String { "\(algorithm):\(encoded)" }
}

extension Digest: Comparable {
    package static func < (left: Digest, right: Digest) -> Bool { left.description < right.description }
}

extension Digest: Decodable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        self = try container.decodeParsed { text throws(DigestError) in try Digest(text) }
    }
}

extension Digest: Encodable {
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// Why a text is no digest.
package enum DigestError: Error, Equatable {
    case missingSeparator
    case tooLong
    case malformedAlgorithm
    case malformedEncoding
    case wrongLength(expected: Int)
}

extension DigestError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .missingSeparator: "a digest has the form algorithm:encoded, such as sha256:6c3c624b…"
        case .tooLong: "a digest has at most \(Digest.maximumLength) characters"
        case .malformedAlgorithm: "a digest's algorithm is lower-case letters and digits, such as sha256"
        case .malformedEncoding: "a digest of this algorithm is written in lower-case hexadecimal digits"
        case .wrongLength(let expected): "a digest of this algorithm has \(expected) hexadecimal digits"
        }
    }
}

private func hexadecimalDigits(_ byte: UInt8) -> [UInt8] {
    [byte >> 4, byte & 0xF].map { $0 < 10 ? UInt8(ascii: "0") + $0 : UInt8(ascii: "a") + $0 - 10 }
}
