extension RegistryModel {
    mutating func open(_ session: Int, in name: String) -> Expectation {
        sessions[session] = Session(repository: name)
        var expectation = standing(session, 202)
        expectation.opensSession = session
        return expectation
    }

    mutating func mount(
        _ name: String,
        _ digest: String,
        _ source: String?,
        _ session: Int
    ) -> Expectation {
        let isThere = source.map { hasBlob(digest, in: $0) }
        let isAnywhere = repositories.values.contains { $0.blobs.contains(digest) }
        guard isThere ?? isAnywhere else { return open(session, in: name) }
        return addBlob(digest, to: name)
    }

    /// What says where a session stands.
    private func standing(_ session: Int, _ status: Int) -> Expectation {
        let name = sessions[session]?.repository ?? ""
        let count = sessions[session]?.bytes.count ?? 0
        return Expectation(
            status: status,
            fields: [
                "Location": "/v2/\(name)/blobs/uploads/<session>", "Docker-Upload-UUID": "<session>",
                "Range": "0-\(max(0, count - 1))",
            ]
        )
    }

    private func isOpen(_ session: Int, in name: String) -> Bool { sessions[session]?.repository == name }

    private static let unknown = Expectation.error(404, "BLOB_UPLOAD_UNKNOWN")

    func readUpload(_ name: String, _ session: Int, _ isHead: Bool) -> Expectation {
        guard isOpen(session, in: name) else { return isHead ? Self.unknown.ofHead : Self.unknown }
        return standing(session, 204)
    }

    mutating func cancelUpload(_ name: String, _ session: Int) -> Expectation {
        guard isOpen(session, in: name) else { return Self.unknown }
        sessions[session] = nil
        return Expectation(status: 204)
    }

    mutating func append(_ name: String, _ session: Int, _ chunk: Call.Chunk) -> Expectation {
        if let refusal = add(chunk, to: session, in: name) { return refusal }
        return standing(session, 202)
    }

    mutating func finish(
        _ name: String,
        _ session: Int,
        _ chunk: Call.Chunk,
        _ digest: String?
    ) -> Expectation {
        guard let digest, digest.contains(":") else { return .error(400, "DIGEST_INVALID") }
        // What cannot be stored at all is refused before the content is looked at, and the session goes on.
        let isComputable = isDigest(digest, of: []) != nil
        if let refusal = add(chunk, to: session, in: name, wantsContent: isComputable) { return refusal }
        guard isComputable, let bytes = sessions[session]?.bytes else { return .error(400, "DIGEST_INVALID") }
        // A wrong digest ends it as a right one does.
        sessions[session] = nil
        guard isDigest(digest, of: bytes) == true else { return .error(400, "DIGEST_INVALID") }
        return addBlob(digest, to: name)
    }

    /// Adds to a session; what the reply is where that cannot be.
    private mutating func add(
        _ chunk: Call.Chunk,
        to session: Int,
        in name: String,
        wantsContent: Bool = true
    ) -> Expectation? {
        let range = chunk.range.map(Self.bounds)
        // A length that is announced can be compared before anything else is known.
        if case .some(.some(let range)) = range, !chunk.isChunked, range.count != chunk.bytes.count {
            return .error(400, "SIZE_INVALID")
        }
        guard isOpen(session, in: name), let offset = sessions[session]?.bytes.count else {
            return Self.unknown
        }
        if case .some(.none) = range { return outOfOrder(session) }
        guard wantsContent else { return nil }
        if case .some(.some(let range)) = range, range.lowerBound != offset { return outOfOrder(session) }
        sessions[session]?.bytes += chunk.bytes
        // What came stays, although there was too little or too much of it.
        if case .some(.some(let range)) = range, range.count != chunk.bytes.count {
            return .error(400, "SIZE_INVALID")
        }
        return nil
    }

    private func outOfOrder(_ session: Int) -> Expectation {
        var expectation = standing(session, 416)
        expectation.content = .error("BLOB_UPLOAD_INVALID")
        return expectation
    }

    /// The bytes that a Content-Range of the generator's means; nil for a malformed one.
    private static func bounds(_ range: String) -> Range<Int>? {
        let numbers = range.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
        guard numbers.count == 2, let first = numbers[0], let last = numbers[1], first <= last else {
            return nil
        }
        return first..<last + 1
    }
}
