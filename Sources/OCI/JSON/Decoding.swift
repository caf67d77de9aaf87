extension SingleValueDecodingContainer {
    /// Decodes a string and parses it, so that a malformed one is an error at its place in the document.
    func decodeParsed<Value, Failure: Error & CustomStringConvertible>(
        _ parse: (String) throws(Failure) -> Value
    ) throws -> Value {
        let text = try decode(String.self)
        do {
            return try parse(text)
        } catch {
            throw DecodingError.dataCorruptedError(
                in: self,
                debugDescription: "'\(text.printable)': \(error.description)"
            )
        }
    }
}

extension KeyedDecodingContainer {
    /// Decodes a media type where the key is present; an empty string counts as absent, as some clients write one.
    func decodeNonEmptyMediaType(forKey key: Key) throws -> MediaType? {
        guard let text = try decodeIfPresent(String.self, forKey: key), !text.isEmpty else { return nil }
        return try decode(MediaType.self, forKey: key)
    }
}

extension DecodingError {
    /// What is wrong and where, in one line, such as `layers.0.size: size is negative`.
    package var summary: String {
        let (context, problem): (Context, String) =
            switch self {
            case .keyNotFound(let key, let context): (context, "'\(key.stringValue)' is missing")
            case .typeMismatch(_, let context): (context, context.debugDescription)
            case .valueNotFound(_, let context): (context, context.debugDescription)
            case .dataCorrupted(let context): (context, context.debugDescription)
            @unknown default: (Context(codingPath: [], debugDescription: ""), "\(self)")
            }
        let path = context.codingPath.map { key in key.intValue.map(String.init) ?? key.stringValue }
        return path.isEmpty ? problem : "\(path.joined(separator: ".").printable): \(problem)"
    }
}
