import HTTPTypes
import Storage
import TestSupport
import Testing

@testable import Server

/// Routing against the specification's table.
@Suite("Paths in any spelling")
struct EndpointFuzzTests {
    private let seed = TestSeed.current

    private static let upload = "01234567-89ab-cdef-0123-456789abcdef"
    private static let words = [
        "a", "b-c", "blobs", "uploads", "manifests", "referrers", "tags", "list", "v2", "_catalog", "latest",
        "", upload,
        "sha256:\(String(repeating: "0", count: 64))", "sha256:0", "blake3:x", "A", "..",
    ]

    private func path(_ random: inout SplitMix) -> String {
        if random.once(in: 40) { return random.pick(["/v2", "/v2/", "/v2/_catalog"]) }
        if random.once(in: 3) {
            let count = Int.random(in: 0...7, using: &random)
            return (["/v2"] + (0..<count).map { _ in random.pick(Self.words) }).joined(separator: "/")
        }
        let name = IdentifierGrammar.repository.make(&random)
        let base = "/v2/" + (random.once(in: 2) ? name : "\(name)/\(random.pick(Self.words))")
        switch Int.random(in: 0...5, using: &random) {
        case 0: return "\(base)/blobs/\(IdentifierGrammar.digest.make(&random))"
        case 1: return "\(base)/manifests/\(IdentifierGrammar.reference.make(&random))"
        case 2: return "\(base)/blobs/uploads/\(Self.upload)"
        case 3: return "\(base)/referrers/\(IdentifierGrammar.digest.make(&random))"
        case 4: return "\(base)/blobs/uploads" + random.pick(["", "/"])
        default: return "\(base)/tags/list"
        }
    }

    @Test("A path asks for what the specification's table says, and for nothing else")
    func agreement() throws {
        var random = seed.random()
        let oracle = EndpointOracle()
        let methods = ["GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"]
        var counts: [String: Int] = [:]
        for _ in 1...4000 {
            let path = random.once(in: 3) ? random.damage(path(&random)) : path(&random)
            // The oracle reads decoded paths; what decoding does has tests of its own.
            guard !path.utf8.contains(where: { "%?\0".utf8.contains($0) }) else { continue }
            guard path == "/v2" || path.hasPrefix("/v2/") else { continue }
            let method = random.pick(methods)
            let answer = answer(method, path)
            #expect(answer == oracle.answer(method, path), "\(seed): \(method) \(path.debugDescription)")
            switch answer {
            case .endpoint(let name, _): counts[name, default: 0] += 1
            case .methodNotAllowed: counts["405", default: 0] += 1
            case .refused: counts["refused", default: 0] += 1
            }
        }
        // Every endpoint was reached.
        #expect(counts.count == 16 && counts.values.allSatisfy { $0 > 2 }, "\(seed): \(counts)")
    }

    private func answer(_ method: String, _ path: String) -> EndpointOracle.Answer {
        do {
            let method = HTTPRequest.Method(method) ?? .options
            return try Endpoint(method, RequestTarget(path).segments).inTable
        } catch EndpointError.methodNotAllowed {
            return .methodNotAllowed
        } catch {
            return .refused
        }
    }

    @Test("Parts by the thousand are routed or refused")
    func long() {
        for text in HostileText.long {
            for path in ["/v2/" + text + "/tags/list", "/v2/a/manifests/" + text] {
                guard let target = try? RequestTarget(path) else { continue }
                #expect(throws: EndpointError.self) { try Endpoint(.get, target.segments) }
            }
        }
    }
}

extension Endpoint {
    /// The endpoint's name in the specification, and the parts of the path in it.
    fileprivate var inTable: EndpointOracle.Answer {
        switch self {
        case .checkSupport: .endpoint("end-1", [])
        case .listRepositories: .endpoint("catalog", [])
        case .readBlob(let name, let digest): .endpoint("end-2", ["\(name)", "\(digest)"])
        case .deleteBlob(let name, let digest): .endpoint("end-10", ["\(name)", "\(digest)"])
        case .startUpload(let name): .endpoint("end-4", ["\(name)"])
        case .readUpload(let name, let id): .endpoint("end-13", ["\(name)", "\(id)"])
        case .appendToUpload(let name, let id): .endpoint("end-5", ["\(name)", "\(id)"])
        case .finishUpload(let name, let id): .endpoint("end-6", ["\(name)", "\(id)"])
        case .cancelUpload(let name, let id): .endpoint("end-14", ["\(name)", "\(id)"])
        case .readManifest(let name, let reference): .endpoint("end-3", ["\(name)", "\(reference)"])
        case .pushManifest(let name, let reference): .endpoint("end-7", ["\(name)", "\(reference)"])
        case .deleteManifest(let name, let reference): .endpoint("end-9", ["\(name)", "\(reference)"])
        case .listTags(let name): .endpoint("end-8", ["\(name)"])
        case .listReferrers(let name, let subject): .endpoint("end-12", ["\(name)", "\(subject)"])
        default: .refused
        }
    }
}
