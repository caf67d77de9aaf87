import OCI
import TestSupport

/// Makes calls that a client might make, right and wrong ones, and now and then a restart.
struct CallGenerator {
    private var random: SplitMix
    private var lastSession = 0

    init(_ random: SplitMix) { self.random = random }

    /// A sequence of calls, with a look at everything every so often and at the end.
    mutating func calls(_ count: Int, _ model: RegistryModel) -> [Call] {
        var model = model
        var calls: [Call] = []
        for number in 1...count {
            let call = call(model)
            _ = model.answer(call)
            calls.append(call)
            if number % 100 == 0 || number == count { calls += Call.inspection(model) }
        }
        return calls
    }

    private mutating func call(_ model: RegistryModel) -> Call {
        let name = random.pick(World.repositories)
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<13: return pushBlob(name)
        case 13..<19: return .openUpload(name, session: newSession(), query: random.pick(Self.openings))
        case 19..<25: return mount(name)
        case 25..<34: return append(model)
        case 34..<42: return finish(model)
        case 42..<45: return readUpload(model)
        case 45..<47: return cancel(model)
        case 47..<54: return readBlob(name, model)
        case 54..<58: return .deleteBlob(name, digest: digest(in: name, model))
        case 58..<76: return pushManifest(name, model)
        case 76..<82: return readManifest(name, model)
        case 82..<87: return .deleteManifest(name, reference: reference(in: name, model))
        case 87..<90: return .listTags(random.once(in: 8) ? World.nowhere : name, page())
        case 90..<92: return .listRepositories(page())
        case 92..<95: return listReferrers(name)
        case 95..<99: return .fixed(random.pick(FixedCall.all))
        default: return .restart
        }
    }

    // MARK: Blobs and uploads

    private static let openings = [
        "", "?digest-algorithm=sha512", "?digest-algorithm=md5", "?from=a", "?x=y",
    ]

    private mutating func newSession() -> Int {
        lastSession += 1
        return lastSession
    }

    private mutating func pushBlob(_ name: String) -> Call {
        let blob = random.pick(World.blobs)
        let digest = random.once(in: 8) ? random.pick(World.digests) : digest(of: blob)
        return .pushBlob(name, bytes: blob.bytes, digest: digest, isChunked: random.once(in: 3))
    }

    private mutating func digest(of blob: BlobFixture) -> String {
        random.once(in: 4) ? "\(Digest(of: blob.bytes, algorithm: .sha512))" : "\(blob.digest)"
    }

    private mutating func mount(_ name: String) -> Call {
        let source: String? = random.once(in: 3) ? nil : random.pick(World.repositories + [World.nowhere])
        return .mount(name, digest: random.pick(World.digests), from: source, session: newSession())
    }

    /// A session and the repository that it is in, or none, or another one.
    private mutating func session(_ model: RegistryModel) -> (number: Int, name: String) {
        guard let number = model.sessions.keys.sorted().suffix(4).randomElement(using: &random),
            let session = model.sessions[number], !random.once(in: 12)
        else { return (0, random.pick(World.repositories)) }
        return (number, random.once(in: 12) ? random.pick(World.repositories) : session.repository)
    }

    /// What a session is to become, which its number decides.
    private func target(_ session: Int) -> BlobFixture { World.blobs[session % World.blobs.count] }

    private mutating func chunk(_ model: RegistryModel, _ session: Int, isLast: Bool) -> Call.Chunk {
        let offset = model.sessions[session]?.bytes.count ?? 0
        let rest = target(session).bytes.dropFirst(offset)
        let count =
            isLast && !random.once(in: 6)
            ? rest.count : Int.random(in: 0...max(1, rest.count / 2), using: &random)
        let bytes = Array(rest.prefix(count))
        let range: String?
        switch Int.random(in: 0...9, using: &random) {
        case 0...3: range = nil
        case 4...6: range = bytes.isEmpty ? nil : "\(offset)-\(offset + bytes.count - 1)"
        case 7: range = "\(offset + 1)-\(offset + max(1, bytes.count))"
        case 8: range = "0-\(Int.random(in: 0...5, using: &random))"
        default: range = random.pick(["", "0", "5-2", "bytes 0-1/2", "-", "x-y"])
        }
        return Call.Chunk(bytes: bytes, range: range, isChunked: random.once(in: 3))
    }

    private mutating func append(_ model: RegistryModel) -> Call {
        let (session, name) = session(model)
        return .append(name, session: session, chunk(model, session, isLast: false))
    }

    private mutating func finish(_ model: RegistryModel) -> Call {
        let (session, name) = session(model)
        var digest: String? = digest(of: target(session))
        if random.once(in: 4) { digest = random.pick([nil, "x", "blake3:abc"] + World.digests) }
        return .finish(name, session: session, chunk(model, session, isLast: true), digest: digest)
    }

    private mutating func readUpload(_ model: RegistryModel) -> Call {
        let (session, name) = session(model)
        return .readUpload(name, session: session, isHead: random.once(in: 3))
    }

    private mutating func cancel(_ model: RegistryModel) -> Call {
        let (session, name) = session(model)
        return .cancelUpload(name, session: session)
    }

    /// The digest of a blob, more often of one that the repository has.
    private mutating func digest(in name: String, _ model: RegistryModel) -> String {
        let there = (model.repositories[name]?.blobs ?? []).sorted()
        return random.once(in: 3) || there.isEmpty ? random.pick(World.digests) : random.pick(there)
    }

    private mutating func readBlob(_ name: String, _ model: RegistryModel) -> Call {
        let digest = digest(in: name, model)
        return .readBlob(
            random.once(in: 10) ? World.nowhere : name,
            digest: digest,
            isHead: random.once(in: 3),
            range: random.pick(RegistryModel.ranges),
            match: random.pick([nil, nil, nil, "*", "\"\(digest)\"", "\"x\""])
        )
    }

    // MARK: Manifests and lists

    /// The name of a manifest, more often of one that the repository has.
    private mutating func reference(in name: String, _ model: RegistryModel) -> String {
        let there = (model.repositories[name]?.manifests ?? [:]).keys.sorted()
        if !random.once(in: 3), let digest = there.randomElement(using: &random) { return digest }
        let document = random.pick(World.documents)
        return random.once(in: 2)
            ? random.pick(World.tags) : random.once(in: 4) ? document.longDigest : document.digest
    }

    private mutating func pushManifest(_ name: String, _ model: RegistryModel) -> Call {
        let complete = World.documents.indices.filter { index in
            World.documents[index].shape != .malformed && model.isComplete(World.documents[index], in: name)
        }
        let index = random.once(in: 2) ? random.pick(World.documents.indices) : random.pick(complete)
        let document = World.documents[index]
        let type = random.once(in: 8) ? random.pick(World.types) : document.mediaType
        var reference = random.once(in: 4) ? document.longDigest : document.digest
        if random.once(in: 12) { reference = random.pick(World.digests) }
        var tags: [String] = []
        if random.once(in: 2) {
            reference = document.name == "fallback" ? World.fallbackTag : random.pick(World.tags)
        }
        if random.once(in: reference.contains(":") ? 3 : 15) {
            tags = (0...Int.random(in: 0...2, using: &random)).map { _ in random.pick(World.tags) }
        }
        return .pushManifest(name, reference: reference, document: index, type: type, tags: tags)
    }

    private mutating func readManifest(_ name: String, _ model: RegistryModel) -> Call {
        let reference = reference(in: name, model)
        let accepts = [nil, "*/*", Document.index, "text/html", "\(Document.manifest);q=0.5, */*;q=0.1"]
        return .readManifest(
            random.once(in: 10) ? World.nowhere : name,
            reference: reference,
            isHead: random.once(in: 3),
            accept: random.pick(accepts),
            match: random.pick([nil, nil, nil, "*", "\"\(reference)\"", "\"x\""])
        )
    }

    private static let numbers: [String?] = [
        nil, nil, "0", "1", "2", "3", "100", "-1", "abc", "", "99999999999999999999",
    ]

    private mutating func page() -> Call.Page {
        let lasts = [nil, nil, "", "m", "zzz", "a/", "V"] + World.tags + World.repositories
        return Call.Page(number: random.pick(Self.numbers), last: random.pick(lasts))
    }

    private mutating func listReferrers(_ name: String) -> Call {
        .listReferrers(
            random.once(in: 10) ? World.nowhere : name,
            subject: random.once(in: 2) ? World.image.digest : random.pick(World.documents).digest,
            type: random.pick([nil, World.artifactType, "application/vnd.example.signature", "none"]),
            number: random.pick(Self.numbers)
        )
    }
}
