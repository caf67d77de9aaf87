import FoundationEssentials
import NIOHTTP1
import OCI
import Synchronization

/// The images of a repository of some registry.
final class RemoteImages: ImageSource {
    let client: RegistryClient
    /// What has been read to find out what it is, and is needed once more.
    private let resolved = Mutex<[Digest: [UInt8]]>([:])

    init(_ client: RegistryClient) { self.client = client }

    /// What a tag points to, or a digest names.
    func resolve(_ reference: Reference) async throws -> Descriptor {
        guard let (bytes, type) = try await client.manifest(reference) else {
            throw CommandError(
                "\(client.title) has no \(ImageName(repository: client.repository, reference: reference))"
            )
        }
        let digest: Digest
        switch reference {
        case .tag: digest = Digest(of: bytes)
        case .digest(let wanted):
            guard let algorithm = wanted.supportedAlgorithm, Digest(of: bytes, algorithm: algorithm) == wanted
            else { throw foreign(wanted) }
            digest = wanted
        }
        let manifest = try parse(bytes, type, digest)
        resolved.withLock { $0[digest] = bytes }
        return Descriptor(mediaType: manifest.mediaType, digest: digest, size: Int64(bytes.count))
    }

    func readManifest(_ descriptor: Descriptor) async throws -> (bytes: [UInt8], manifest: Manifest) {
        if let bytes = resolved.withLock({ $0.removeValue(forKey: descriptor.digest) }) {
            return (bytes, try parse(bytes, descriptor.mediaType, descriptor.digest))
        }
        guard let (bytes, type) = try await client.manifest(.digest(descriptor.digest)) else {
            throw CommandError(
                "\(client.title) has no \(client.repository)@\(descriptor.digest)",
                missing: descriptor.digest
            )
        }
        guard let algorithm = descriptor.digest.supportedAlgorithm,
            Digest(of: bytes, algorithm: algorithm) == descriptor.digest
        else { throw foreign(descriptor.digest) }
        return (bytes, try parse(bytes, type, descriptor.digest))
    }

    func blob(_ descriptor: Descriptor) throws -> BlobSource { .registry(client) }

    func referrers(of subjects: Set<Digest>) async throws -> [ImagePush.Step] {
        var found: [ImagePush.Step] = []
        var known = subjects
        var waiting = subjects.sorted()
        while let subject = waiting.popLast() {
            for descriptor in try await client.referrers(of: subject)
            where known.insert(descriptor.digest).inserted {
                found += try await steps(to: descriptor).filter {
                    $0.descriptor.digest == descriptor.digest || known.insert($0.descriptor.digest).inserted
                }
                waiting.append(descriptor.digest)
            }
        }
        return found
    }

    private func parse(_ bytes: [UInt8], _ type: MediaType?, _ digest: Digest) throws -> Manifest {
        do {
            return try Manifest(parsing: bytes, contentType: type)
        } catch {
            throw CommandError("\(client.title): \(client.repository)@\(digest): \(error)")
        }
    }

    private func foreign(_ digest: Digest) -> RegistryClientError {
        RegistryClientError(.malformed, "what \(client.title) sends for \(digest) is something else")
    }
}

extension RegistryClient {
    private struct TagList: Decodable {
        let tags: [String]?
    }

    /// All tags of the repository.
    ///
    /// - SeeAlso: distribution-spec v1.1.1, end-8
    func tags() async throws -> [Tag] {
        var found: [Tag] = []
        try await forEachPage(from: url("tags/list?n=1000"), "list its tags") { response in
            guard let list = try? JSONDecoder().decode(TagList.self, from: Data(response.body)) else {
                throw RegistryClientError(.malformed, "\(title) has sent no list of tags")
            }
            // A tag that no other registry takes cannot be copied to one.
            found += (list.tags ?? []).compactMap { try? Tag($0) }
        }
        return found
    }

    private struct ReferrerList: Decodable {
        let manifests: [Descriptor]?
    }

    /// What is known about a manifest: what the registry lists, or where it keeps no list, what clients have listed.
    ///
    /// - SeeAlso: distribution-spec v1.1.1, end-12a, "Referrers Tag Schema"
    func referrers(of subject: Digest) async throws -> [Descriptor] {
        var found: [Descriptor] = []
        do {
            try await forEachPage(from: url("referrers/\(subject)"), "list what refers to \(subject)") {
                response in
                found += try list(response.body)
            }
            return found
        } catch let error as RegistryClientError where error.kind == .refused(status: 404) {
            guard let tag = try? Self.referrersTag(of: subject),
                let (bytes, _) = try await manifest(.tag(tag))
            else { return [] }
            return try list(bytes)
        }
    }

    private func list(_ bytes: [UInt8]) throws -> [Descriptor] {
        guard let list = try? JSONDecoder().decode(ReferrerList.self, from: Data(bytes)) else {
            throw RegistryClientError(.malformed, "\(title) has sent no list of referrers")
        }
        return list.manifests ?? []
    }

    /// No repository has so many pages of tags.
    private static var maximumPages: Int { 10_000 }

    private func forEachPage(
        from first: RegistryURL,
        _ purpose: String,
        _ body: (RegistryResponse) throws -> Void
    ) async throws {
        var next: RegistryURL? = first
        for _ in 0..<Self.maximumPages {
            guard let url = next else { return }
            let response = try await retries.run {
                let response = try await execute(RegistryRequest(reading: url))
                guard response.status == 200 else { throw unexpected(response, purpose) }
                return response
            }
            try body(response)
            next = response.nextPage.flatMap(url.resolving)
        }
        throw RegistryClientError(.malformed, "\(title) lists on and on")
    }
}

extension RegistryResponse {
    /// Where a list goes on: `<…>; rel="next"`.
    fileprivate var nextPage: String? {
        for link in fields["Link"] {
            guard let start = link.firstIndex(of: "<"), let end = link[start...].firstIndex(of: ">"),
                link[end...].contains("rel=\"next\"") || link[end...].contains("rel=next")
            else { continue }
            return String(link[link.index(after: start)..<end])
        }
        return nil
    }
}
