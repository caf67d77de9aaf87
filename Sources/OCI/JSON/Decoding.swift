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
    /// What is wrong and where, in one line, such as `layers.0.size: a size is never negative`.
    package var summary: String {
        let (context, problem): (Context, String) =
            switch self {
            case .keyNotFound(let key, let context): (context, "'\(key.stringValue)' is missing")
            case .typeMismatch(let type, let context): (context, "\(Self.name(of: type)) is expected here")
            case .valueNotFound(let type, let context):
                (context, "\(Self.name(of: type)) is expected here, not null")
            case .dataCorrupted(let context): (context, context.debugDescription)
            @unknown default: (Context(codingPath: [], debugDescription: ""), "\(self)")
            }
        let path = context.codingPath.map { key in key.intValue.map(String.init) ?? key.stringValue }
        return path.isEmpty ? problem : "\(path.joined(separator: ".").printable): \(problem)"
    }

    /// What a type is in JSON.
    private static func name(of type: any Any.Type) -> String {
        switch type {
        case is String.Type: "a string"
        case is Int.Type, is Int64.Type: "a whole number"
        case is Bool.Type: "true or false"
        case is [Any].Type: "an array"
        default: "an object"
        }
    }
}
