import FoundationEssentials
import OCI

/// A digest as HTTP writes it: `sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:`.
///
/// - SeeAlso: RFC 9530, section 3
enum DigestField {
    /// The value of `Repr-Digest`; nil for an algorithm that HTTP has no name for.
    static func value(_ digest: Digest) -> String? {
        let name: String
        switch digest.algorithm {
        case .sha256: name = "sha-256"
        case .sha512: name = "sha-512"
        case .other: return nil
        }
        return "\(name)=:\(Data(bytes(digest.encoded)).base64EncodedString()):"
    }

    /// What hexadecimal digits stand for.
    private static func bytes(_ digits: String) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = digits.utf8[...]
        while let high = rest.popFirst(), let low = rest.popFirst() {
            bytes.append(value(high) << 4 | value(low))
        }
        return bytes
    }

    private static func value(_ digit: UInt8) -> UInt8 {
        digit.isASCIIDigit ? digit - UInt8(ascii: "0") : digit - UInt8(ascii: "a") + 10
    }
}
