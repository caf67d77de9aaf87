extension Call {
    /// Calls that look at everything there may be, and change nothing.
    static func inspection(_ model: RegistryModel) -> [Call] {
        var calls: [Call] = [.listRepositories(Page()), .listRepositories(Page(number: "1"))]
        for name in World.repositories {
            calls.append(.listRepositories(Page(number: "1", last: name)))
            calls.append(.listTags(name, Page()))
            for digest in World.digests {
                calls.append(.readBlob(name, digest: digest, isHead: false, range: nil, match: nil))
            }
            let documents = World.documents.filter { $0.shape != .malformed }
            for reference in World.tags + documents.flatMap({ [$0.digest, $0.longDigest] }) {
                calls.append(
                    .readManifest(name, reference: reference, isHead: false, accept: nil, match: nil)
                )
            }
            for tag in World.tags { calls.append(.listTags(name, Page(number: "1", last: tag))) }
            for subject in [World.image.digest, World.emptyIndex.digest] {
                calls.append(.listReferrers(name, subject: subject, type: nil, number: nil))
                calls.append(.listReferrers(name, subject: subject, type: nil, number: "1"))
            }
        }
        for (session, content) in model.sessions.sorted(by: { $0.key < $1.key }) {
            calls.append(.readUpload(content.repository, session: session, isHead: false))
        }
        return calls
    }

    /// Whether it leaves everything as it was.
    var isReading: Bool {
        switch self {
        case .readUpload, .readBlob, .readManifest, .listTags, .listRepositories, .listReferrers, .fixed: true
        default: false
        }
    }

    /// Simpler calls of the same kind: in another repository, with fewer conditions, of a smaller document.
    ///
    /// Each differs from the call in having one thing more as it is in the simplest.
    var simpler: [Call] {
        var calls: [Call] = []
        func add(_ call: Call) { if call.description != description { calls.append(call) } }
        switch self {
        case .pushBlob(let name, let bytes, let digest, _):
            add(.pushBlob("a", bytes: bytes, digest: digest, isChunked: false))
            add(.pushBlob(name, bytes: bytes, digest: digest, isChunked: false))
        case .openUpload(let name, let session, _):
            add(.openUpload("a", session: session, query: ""))
            add(.openUpload(name, session: session, query: ""))
        case .append(let name, let session, let chunk):
            add(.append(name, session: session, Chunk(bytes: chunk.bytes, range: nil)))
            add(.append(name, session: session, Chunk(bytes: chunk.bytes, range: chunk.range)))
        case .finish(let name, let session, let chunk, let digest):
            add(.finish(name, session: session, Chunk(bytes: chunk.bytes, range: nil), digest: digest))
            add(
                .finish(name, session: session, Chunk(bytes: chunk.bytes, range: chunk.range), digest: digest)
            )
        case .readBlob(let name, let digest, _, let range, _):
            add(.readBlob(name, digest: digest, isHead: false, range: nil, match: nil))
            add(.readBlob(name, digest: digest, isHead: false, range: range, match: nil))
        case .pushManifest, .readManifest: simplifyManifest(add)
        case .listTags(let name, _): add(.listTags(name, Page()))
        case .listRepositories: add(.listRepositories(Page()))
        case .listReferrers(let name, let subject, _, _):
            add(.listReferrers(name, subject: subject, type: nil, number: nil))
        default: break
        }
        return calls
    }

    private func simplifyManifest(_ add: (Call) -> Void) {
        switch self {
        case .pushManifest(let name, let reference, let document, let type, let tags):
            let smallest = World.documents.firstIndex { $0.name == World.emptyIndex.name } ?? 0
            let digest = reference.contains(":") ? World.emptyIndex.digest : reference
            add(.pushManifest(name, reference: digest, document: smallest, type: nil, tags: tags))
            if !tags.isEmpty {
                add(.pushManifest(name, reference: reference, document: document, type: type, tags: []))
            }
            if type != nil {
                add(.pushManifest(name, reference: reference, document: document, type: nil, tags: tags))
            }
        case .readManifest(let name, let reference, _, _, _):
            add(.readManifest(name, reference: reference, isHead: false, accept: nil, match: nil))
            let digest = World.emptyIndex.digest
            add(.readManifest(name, reference: digest, isHead: false, accept: nil, match: nil))
        default: break
        }
    }
}
