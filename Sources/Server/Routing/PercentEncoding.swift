import OCI

/// Percent-encoding of what goes into a link.
///
/// - SeeAlso: RFC 3986, section 2.3
enum PercentEncoding {
    /// A text as a value of a query: everything is encoded but unreserved characters.
    static func encode(_ text: String) -> String {
        text.utf8.reduce(into: "") { encoded, byte in
            if byte.isASCIILetter || byte.isASCIIDigit || "-._~".utf8.contains(byte) {
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                let digits = String(byte, radix: 16, uppercase: true)
                encoded += digits.count == 1 ? "%0\(digits)" : "%\(digits)"
            }
        }
    }
}
