extension RegistryModel {
    mutating func pushManifest(
        _ name: String,
        _ reference: String,
        _ index: Int,
        _ type: String?,
        _ tags: [String]
    ) -> Expectation {
        let document = World.documents[index]
        let isDigested = reference.contains(":")
        if !isDigested, !tags.isEmpty { return .error(400, "MANIFEST_INVALID") }
        guard let mediaType = mediaType(of: document, announced: type) else {
            return .error(400, "MANIFEST_INVALID")
        }
        guard !isDigested || [document.digest, document.longDigest].contains(reference) else {
            return .error(400, "DIGEST_INVALID")
        }
        let digest = isDigested ? reference : document.digest
        guard isComplete(document, in: name) else { return .error(404, "MANIFEST_BLOB_UNKNOWN") }
        let names = isDigested ? tags : [reference]
        let fixed = repositories[name]?.tags[World.fixedTag]
        if names.contains(World.fixedTag), let fixed, fixed != digest { return .error(409, "DENIED") }
        repositories[name, default: Repository()].manifests[digest] = (index, mediaType)
        for tag in names { repositories[name]?.tags[tag] = digest }
        var seen: Set<String> = []
        let said = tags.filter { seen.insert($0).inserted }
        return Expectation(
            status: 201,
            fields: [
                "Location": "/v2/\(name)/manifests/\(digest)", "Docker-Content-Digest": digest,
                "OCI-Subject": document.subject, "OCI-Tag": said.isEmpty ? nil : said.joined(separator: ", "),
            ]
        )
    }

    /// What a document is stored as; nil where that is nothing.
    private func mediaType(of document: Document, announced: String?) -> String? {
        guard document.shape != .malformed else { return nil }
        let announced = announced.map { String($0.prefix { $0 != ";" }) }
        if let announced {
            guard announced.contains("/") else { return nil }
            if let own = document.mediaType, own != announced { return nil }
        }
        let type = document.mediaType ?? announced ?? document.defaultMediaType
        let isImageType = [Document.manifest, Document.dockerManifest].contains(type)
        if isImageType, document.shape != .image { return nil }
        if type == Document.index, document.shape != .index { return nil }
        return type
    }

    /// Whether everything that a document lists is where it has to be.
    func isComplete(_ document: Document, in name: String) -> Bool {
        if name.hasPrefix("sparse/") { return true }
        return document.entries.allSatisfy { entry in
            let isManifest =
                document.shape == .index && repositories[name]?.manifests[entry.digest] != nil
            return isManifest || hasBlob(entry.digest, in: name) || entry.isForeign
        }
    }

    func readManifest(_ name: String, _ reference: String, _ match: String?) -> Expectation {
        let repository = repositories[name]
        let digest = reference.contains(":") ? reference : repository?.tags[reference]
        guard let digest, let manifest = repository?.manifests[digest] else {
            return .error(404, "MANIFEST_UNKNOWN")
        }
        let fields: [String: String?] = [
            "Content-Type": manifest.mediaType, "Docker-Content-Digest": digest, "ETag": "\"\(digest)\"",
        ]
        if let match, match == "*" || match == "\"\(digest)\"" {
            return Expectation(status: 304, fields: fields)
        }
        let bytes = World.documents[manifest.document].bytes
        return Expectation(status: 200, fields: fields, content: .bytes(bytes))
    }

    mutating func deleteManifest(_ name: String, _ reference: String) -> Expectation {
        guard allowsDeletes else { return .error(405, "UNSUPPORTED", ["Allow": "GET, HEAD, PUT"]) }
        guard reference.contains(":") else {
            guard let digest = repositories[name]?.tags.removeValue(forKey: reference) else {
                return .error(404, "MANIFEST_UNKNOWN")
            }
            if fault == .tagOwnsManifest { repositories[name]?.manifests[digest] = nil }
            return Expectation(status: 202)
        }
        guard repositories[name]?.manifests[reference] != nil else { return .error(404, "MANIFEST_UNKNOWN") }
        guard !isListed(reference, in: name, byIndex: true) else { return .error(409, "DENIED") }
        let tags = repositories[name]?.tags.filter { $0.value != reference } ?? [:]
        repositories[name]?.manifests[reference] = nil
        repositories[name]?.tags = tags
        return Expectation(status: 202)
    }
}
