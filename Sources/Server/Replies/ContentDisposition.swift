import OCI

/// What a client that saves a file may call it.
///
/// - SeeAlso: RFC 6266, section 4
enum ContentDisposition {
    /// Proposes a name; whatever could not stand in quotes, or in a path, is replaced.
    static func attachment(named name: some StringProtocol) -> String {
        let plain = name.unicodeScalars.map { scalar in
            scalar.isASCII && (0x20...0x7E).contains(scalar.value)
                && !"\"\\/%".unicodeScalars.contains(scalar)
                ? Character(scalar) : "_"
        }
        let text = "attachment; filename=\"\(String(plain))\""
        // The name as it is, for whoever reads the newer form.
        return String(plain) == String(name)
            ? text : text + "; filename*=UTF-8''" + PercentEncoding.encode(String(name))
    }
}
