import OCI
import Storage

extension Registry {
    /// The image of one platform.
    struct PlatformImage {
        let record: ManifestRecord
        let manifest: Manifest
        /// As its index says; nil where nobody asked, and no index did.
        let platform: Platform?
    }

    /// The image that a name stands for on a platform.
    ///
    /// `platform` nil: the only one there is. One without a variant stands for any variant, where there is one alone.
    /// - Throws: ``RegistryError``, which lists the platforms there are.
    func platformImage(_ name: ImageName, for platform: Platform?) async throws -> PlatformImage {
        let record = try await manifest(name.reference, in: name.repository)
        let manifest = try parsed(record)
        guard case .index(let children) = manifest.content else {
            guard let platform else {
                return PlatformImage(record: record, manifest: manifest, platform: nil)
            }
            let own = try await self.platform(of: manifest, in: name.repository)
            let isWanted = own.map { PlatformChoice($0).matches(platform) } ?? false
            guard isWanted else {
                throw RegistryError.platformUnknown(platform, available: own.map { [$0] } ?? [])
            }
            return PlatformImage(record: record, manifest: manifest, platform: own)
        }
        let child = try Self.choose(platform, among: children)
        let found = try await self.manifest(.digest(child.digest), in: name.repository)
        return PlatformImage(record: found, manifest: try parsed(found), platform: child.platform)
    }

    private func platform(of manifest: Manifest, in repository: RepositoryName) async throws -> Platform? {
        guard case .image(let descriptor, _) = manifest.content else { return nil }
        return try await configuration(descriptor, in: repository)?.platform
    }

    private static func choose(
        _ wanted: Platform?,
        among children: [Descriptor]
    ) throws(RegistryError) -> Descriptor {
        // Builders list what they say about an image beside it, as being for a platform that nobody has.
        let images = children.filter { $0.platform?.os != "unknown" }
        let platforms = images.compactMap(\.platform)
        guard let wanted else {
            guard images.count == 1, let only = images.first else {
                throw .platformNeeded(available: platforms)
            }
            return only
        }
        let matching = images.filter { $0.platform.map { PlatformChoice($0).matches(wanted) } ?? false }
        if let exact = matching.first(where: {
            $0.platform.map { PlatformChoice($0).equals(wanted) } ?? false
        }) {
            return exact
        }
        guard let first = matching.first else {
            throw .platformUnknown(wanted, available: platforms)
        }
        guard matching.count == 1 else {
            throw .platformNeeded(available: matching.compactMap(\.platform))
        }
        return first
    }
}

/// Whether a platform is one that somebody means.
struct PlatformChoice {
    private let platform: Platform

    init(_ platform: Platform) { self.platform = platform }

    /// Whether it is the same, or one of several that the wanted one stands for by leaving out the variant.
    func matches(_ wanted: Platform) -> Bool {
        platform.os == wanted.os && platform.architecture == wanted.architecture
            && (wanted.variant == nil || Self.variant(of: wanted) == Self.variant(of: platform))
    }

    /// Whether it is the same.
    func equals(_ wanted: Platform) -> Bool {
        matches(wanted) && Self.variant(of: wanted) == Self.variant(of: platform)
    }

    /// Some variants are what an architecture without any means.
    private static func variant(of platform: Platform) -> String? {
        switch (platform.architecture, platform.variant) {
        case ("arm64", "v8"), ("amd64", "v1"): nil
        case (_, let variant): variant
        }
    }
}
