extension Call {
    /// Simpler sequences that differ from one throughout: in what a repository is called, or in which document it is
    /// about.
    static func simpler(_ calls: [Call]) -> [[Call]] {
        var simpler: [[Call]] = []
        let names = Set(calls.compactMap(\.repository))
        for name in names.subtracting(["a"]).sorted() {
            simpler.append(calls.map { $0.renamed(repository: { $0 == name ? "a" : $0 }) })
        }
        let documents = World.documents
        guard let smallest = documents.firstIndex(where: { $0.name == World.emptyIndex.name }) else {
            return simpler
        }
        let pushed = calls.compactMap {
            if case .pushManifest(_, _, let document, _, _) = $0 { document } else { nil }
        }
        for document in Set(pushed).subtracting([smallest]).sorted() {
            let digests = [
                documents[document].digest: documents[smallest].digest,
                documents[document].longDigest: documents[smallest].longDigest,
            ]
            simpler.append(
                calls.map { call in
                    call.renamed(
                        reference: { digests[$0] ?? $0 },
                        document: { $0 == document ? smallest : $0 },
                        type: { _ in nil }
                    )
                }
            )
        }
        return simpler
    }

    private var repository: String? {
        switch self {
        case .pushBlob(let name, _, _, _), .openUpload(let name, _, _), .mount(let name, _, _, _),
            .append(let name, _, _), .finish(let name, _, _, _), .readUpload(let name, _, _),
            .cancelUpload(let name, _), .readBlob(let name, _, _, _, _), .deleteBlob(let name, _),
            .pushManifest(let name, _, _, _, _), .readManifest(let name, _, _, _, _),
            .deleteManifest(let name, _), .listTags(let name, _), .listReferrers(let name, _, _, _):
            name
        case .listRepositories, .fixed, .restart: nil
        }
    }

    private func renamed(
        repository: (String) -> String = { $0 },
        reference: (String) -> String = { $0 },
        document: (Int) -> Int = { $0 },
        type: (String?) -> String? = { $0 }
    ) -> Call {
        switch self {
        case .pushBlob(let name, let bytes, let digest, let isChunked):
            .pushBlob(repository(name), bytes: bytes, digest: digest, isChunked: isChunked)
        case .openUpload(let name, let session, let query):
            .openUpload(repository(name), session: session, query: query)
        case .mount(let name, let digest, let source, let session):
            .mount(repository(name), digest: digest, from: source.map(repository), session: session)
        case .append(let name, let session, let chunk):
            .append(repository(name), session: session, chunk)
        case .finish(let name, let session, let chunk, let digest):
            .finish(repository(name), session: session, chunk, digest: digest)
        case .readUpload(let name, let session, let isHead):
            .readUpload(repository(name), session: session, isHead: isHead)
        case .cancelUpload(let name, let session): .cancelUpload(repository(name), session: session)
        case .readBlob(let name, let digest, let isHead, let range, let match):
            .readBlob(repository(name), digest: digest, isHead: isHead, range: range, match: match)
        case .deleteBlob(let name, let digest): .deleteBlob(repository(name), digest: digest)
        case .pushManifest(let name, let text, let index, let mediaType, let tags):
            .pushManifest(
                repository(name),
                reference: reference(text),
                document: document(index),
                type: type(mediaType),
                tags: tags
            )
        case .readManifest(let name, let text, let isHead, let accept, let match):
            .readManifest(
                repository(name),
                reference: reference(text),
                isHead: isHead,
                accept: accept,
                match: match
            )
        case .deleteManifest(let name, let text):
            .deleteManifest(repository(name), reference: reference(text))
        case .listTags(let name, let page): .listTags(repository(name), page)
        case .listReferrers(let name, let subject, let type, let number):
            .listReferrers(repository(name), subject: reference(subject), type: type, number: number)
        case .listRepositories, .fixed, .restart: self
        }
    }
}
