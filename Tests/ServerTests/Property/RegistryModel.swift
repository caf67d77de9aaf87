import OCI
import TestSupport

/// What a registry is, in the simplest way that there is: given a call, what the reply has to be.
///
/// It shares no code with the registry. Where the specification leaves something open, it says what ours does.
struct RegistryModel: Sendable {
    /// A mistake made on purpose, to see that it is found.
    enum Fault: Sendable, CaseIterable {
        /// A tag takes its manifest with it when it goes.
        case tagOwnsManifest
        /// A blob of one repository is in all of them.
        case blobIsEverywhere
        /// A session that was opened again after a restart stands at its beginning.
        case restartForgets
    }

    struct Repository: Sendable {
        var blobs: Set<String> = []
        /// By digest: the document's place in the world, and the type it was pushed as.
        var manifests: [String: (document: Int, mediaType: String)] = [:]
        var tags: [String: String] = [:]
    }

    struct Session: Sendable {
        let repository: String
        var bytes: [UInt8] = []
    }

    /// Those that something was ever put into.
    var repositories: [String: Repository] = [:]
    var sessions: [Int: Session] = [:]
    let allowsDeletes: Bool
    let fault: Fault?

    init(allowsDeletes: Bool = true, fault: Fault? = nil) {
        self.allowsDeletes = allowsDeletes
        self.fault = fault
    }

    /// What the reply to a call has to be, and what has changed then.
    mutating func answer(_ call: Call) -> Expectation? {
        switch call {
        case .pushBlob(let name, let bytes, let digest, _): return pushBlob(name, bytes, digest)
        case .openUpload(let name, let session, _): return open(session, in: name)
        case .mount(let name, let digest, let source, let session):
            return mount(name, digest, source, session)
        case .append(let name, let session, let chunk): return append(name, session, chunk)
        case .finish(let name, let session, let chunk, let digest):
            return finish(name, session, chunk, digest)
        case .readUpload(let name, let session, let isHead): return readUpload(name, session, isHead)
        case .cancelUpload(let name, let session): return cancelUpload(name, session)
        case .readBlob(let name, let digest, let isHead, let range, let match):
            let expectation = readBlob(name, digest, range: isHead ? nil : range, match)
            return isHead ? expectation.ofHead : expectation
        case .deleteBlob(let name, let digest): return deleteBlob(name, digest)
        case .pushManifest(let name, let reference, let document, let type, let tags):
            return pushManifest(name, reference, document, type, tags)
        case .readManifest(let name, let reference, let isHead, _, let match):
            let expectation = readManifest(name, reference, match)
            return isHead ? expectation.ofHead : expectation
        case .deleteManifest(let name, let reference): return deleteManifest(name, reference)
        case .listTags(let name, let page): return listTags(name, page)
        case .listRepositories(let page): return listRepositories(page)
        case .listReferrers(let name, let subject, let type, let number):
            return listReferrers(name, subject, type, number)
        case .fixed(let call): return answer(call)
        case .restart:
            if fault == .restartForgets { for session in sessions.keys { sessions[session]?.bytes = [] } }
            return nil
        }
    }

    private func answer(_ call: FixedCall) -> Expectation {
        let namespace = call.target.contains("ns=docker.io") ? "docker.io" : nil
        var expectation = Expectation(
            status: call.status,
            fields: ["OCI-Namespace": namespace],
            content: call.code.map { .error($0) } ?? .bytes(Array("{}".utf8))
        )
        if call.method == "HEAD" { expectation = expectation.ofHead }
        return expectation
    }

    // MARK: Blobs

    func hasBlob(_ digest: String, in name: String) -> Bool {
        if fault == .blobIsEverywhere { return repositories.values.contains { $0.blobs.contains(digest) } }
        return repositories[name]?.blobs.contains(digest) == true
    }

    mutating func addBlob(_ digest: String, to name: String) -> Expectation {
        repositories[name, default: Repository()].blobs.insert(digest)
        return Expectation(
            status: 201,
            fields: ["Location": "/v2/\(name)/blobs/\(digest)", "Docker-Content-Digest": digest]
        )
    }

    /// Whether bytes have a digest, in the algorithm that it names; nil for an algorithm that nobody computes.
    func isDigest(_ digest: String, of bytes: [UInt8]) -> Bool? {
        if digest.hasPrefix("sha256:") { return digest == Digest(of: bytes).description }
        if digest.hasPrefix("sha512:") { return digest == Digest(of: bytes, algorithm: .sha512).description }
        return nil
    }

    private mutating func pushBlob(_ name: String, _ bytes: [UInt8], _ digest: String) -> Expectation {
        guard isDigest(digest, of: bytes) == true else { return .error(400, "DIGEST_INVALID") }
        return addBlob(digest, to: name)
    }

    private func readBlob(_ name: String, _ digest: String, range: String?, _ match: String?) -> Expectation {
        guard hasBlob(digest, in: name), let bytes = Self.contents[digest] else {
            return .error(404, "BLOB_UNKNOWN")
        }
        var fields: [String: String?] = [
            "Docker-Content-Digest": digest, "ETag": "\"\(digest)\"", "Accept-Ranges": "bytes",
            "Content-Type": "application/octet-stream", "Content-Range": nil, "Content-Encoding": nil,
        ]
        if let match, match == "*" || match == "\"\(digest)\"" {
            return Expectation(status: 304, fields: fields)
        }
        switch Self.part(range, of: bytes.count) {
        case .whole:
            fields["Content-Length"] = "\(bytes.count)"
            return Expectation(status: 200, fields: fields, content: .bytes(bytes))
        case .part(let part):
            fields["Content-Range"] = "bytes \(part.lowerBound)-\(part.upperBound - 1)/\(bytes.count)"
            fields["Content-Length"] = "\(part.count)"
            return Expectation(status: 206, fields: fields, content: .bytes(Array(bytes[part])))
        case .nothing: return .error(416, "SIZE_INVALID", ["Content-Range": "bytes */\(bytes.count)"])
        }
    }

    private enum Part { case whole, part(Range<Int>), nothing }

    /// What the ranges that calls ask for come to: a table, where the server computes.
    private static func part(_ range: String?, of size: Int) -> Part {
        guard size > 0 else { return .whole }
        switch range {
        case "bytes=0-0": return .part(0..<1)
        case "bytes=1-": return size > 1 ? .part(1..<size) : .nothing
        case "bytes=-3": return .part(max(0, size - 3)..<size)
        case "bytes=2-5": return size > 2 ? .part(2..<min(6, size)) : .nothing
        case "bytes=99999-", "bytes=5-2", "bytes=-0": return .nothing
        default: return .whole
        }
    }

    static let ranges = [
        nil, nil, "bytes=0-0", "bytes=1-", "bytes=-3", "bytes=2-5", "bytes=99999-", "bytes=5-2", "bytes=-0",
        "bytes=0-1,4-5", "lines=1-2", "bytes=x",
    ]

    /// What each digest of the world is of.
    private static let contents: [String: [UInt8]] = World.blobs.reduce(into: [:]) { contents, blob in
        contents["\(blob.digest)"] = blob.bytes
        contents["\(Digest(of: blob.bytes, algorithm: .sha512))"] = blob.bytes
    }

    private mutating func deleteBlob(_ name: String, _ digest: String) -> Expectation {
        guard allowsDeletes else { return .error(405, "UNSUPPORTED", ["Allow": "GET, HEAD"]) }
        guard hasBlob(digest, in: name) else { return .error(404, "BLOB_UNKNOWN") }
        guard !isListed(digest, in: name) else { return .error(409, "DENIED") }
        repositories[name]?.blobs.remove(digest)
        return Expectation(status: 202)
    }

    /// Whether a manifest of the repository lists something.
    func isListed(_ digest: String, in name: String, byIndex: Bool = false) -> Bool {
        repositories[name]?.manifests.values.contains { manifest in
            let document = World.documents[manifest.document]
            return document.entries.contains { $0.digest == digest } && (!byIndex || document.shape == .index)
        } == true
    }
}
