extension Digest {
    /// A hash function's name.
    ///
    /// - SeeAlso: image-spec v1.1.1, descriptor.md, "Registered Algorithms"
    package enum Algorithm: Hashable, Sendable {
        case sha256
        case sha512
        /// Grammatical, but not one that this program computes. Holds the name as written.
        case other(String)

        /// Parses `component (separator component)*`.
        package init(_ string: some StringProtocol) throws(DigestError) {
            switch string {
            case "sha256": self = .sha256
            case "sha512": self = .sha512
            default:
                guard Self.isGrammatical(string.utf8) else { throw .malformedAlgorithm }
                self = .other(String(string))
            }
        }

        /// Refuses what cannot stand behind the colon for this algorithm.
        func validate(_ encoded: some Collection<UInt8>) throws(DigestError) {
            switch self {
            case .sha256: try Self.validateHexadecimal(encoded, digits: 64)
            case .sha512: try Self.validateHexadecimal(encoded, digits: 128)
            case .other:
                let isGrammatical = encoded.allSatisfy { byte in
                    byte.isASCIILetter || byte.isASCIIDigit || "=_-".utf8.contains(byte)
                }
                guard !encoded.isEmpty, isGrammatical else { throw .malformedEncoding }
            }
        }

        private static func validateHexadecimal(
            _ encoded: some Collection<UInt8>,
            digits: Int
        ) throws(DigestError) {
            guard encoded.allSatisfy(\.isLowerHexadecimal) else { throw .malformedEncoding }
            guard encoded.count == digits else { throw .wrongLength(expected: digits) }
        }

        private static func isGrammatical(_ name: some Sequence<UInt8>) -> Bool {
            var afterSeparator = true
            for byte in name {
                if byte.isASCIILowercase || byte.isASCIIDigit {
                    afterSeparator = false
                } else if "+._-".utf8.contains(byte), !afterSeparator {
                    afterSeparator = true
                } else {
                    return false
                }
            }
            return !afterSeparator
        }
    }
}

extension Digest.Algorithm: CustomStringConvertible {
    package var description: String {
        switch self {
        case .sha256: "sha256"
        case .sha512: "sha512"
        case .other(let name): name
        }
    }
}

/// The hash functions that this program computes.
package enum SupportedAlgorithm: String, CaseIterable, Hashable, Sendable {
    case sha256
    case sha512
}
