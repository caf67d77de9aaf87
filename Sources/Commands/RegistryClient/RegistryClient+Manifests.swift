import NIOHTTP1
import OCI

extension RegistryClient {
    /// What a registry said about a manifest that it took.
    struct PushedManifest: Sendable {
        /// Whether it lists the manifest among the referrers of its subject.
        let isListedAsReferrer: Bool
    }

    /// Uploads a manifest under a tag or its digest.
    ///
    /// - SeeAlso: distribution-spec v1.1.1, end-7
    @discardableResult
    func push(
        _ manifest: [UInt8],
        _ descriptor: Descriptor,
        as reference: Reference
    ) async throws -> PushedManifest {
        try await retries.run {
            let response = try await execute(
                RegistryRequest(
                    .PUT,
                    url("manifests/\(reference)"),
                    ["Content-Type": descriptor.mediaType.rawValue],
                    content: .bytes(manifest)
                )
            )
            guard (200...204).contains(response.status) else {
                throw unexpected(response, "take the manifest \(reference)")
            }
            // Another digest, computed by a registry that rewrites manifests, would be another image.
            if let text = response.fields.first(name: "Docker-Content-Digest"),
                let digest = try? Digest(text), digest.algorithm == descriptor.digest.algorithm,
                digest != descriptor.digest
            {
                throw RegistryClientError(
                    .malformed,
                    "\(title) has made \(digest) of the manifest \(descriptor.digest)"
                )
            }
            return PushedManifest(isListedAsReferrer: response.fields.contains(name: "OCI-Subject"))
        }
    }

    /// Reads a manifest; nil where there is none.
    ///
    /// - SeeAlso: distribution-spec v1.1.1, end-3
    func manifest(_ reference: Reference) async throws -> (bytes: [UInt8], type: MediaType?)? {
        try await retries.run {
            let accepted = [
                MediaType.ociIndex, .ociManifest, .dockerManifestList, .dockerManifest,
            ].map(\.rawValue)
            let response = try await execute(
                RegistryRequest(
                    .GET,
                    url("manifests/\(reference)"),
                    ["Accept": accepted.joined(separator: ", ")]
                )
            )
            switch response.status {
            case 200:
                let type = response.fields.first(name: "Content-Type").flatMap {
                    try? MediaType(headerValue: $0)
                }
                return (response.body, type)
            case 404: return nil
            default: throw unexpected(response, "show the manifest \(reference)")
            }
        }
    }
}
