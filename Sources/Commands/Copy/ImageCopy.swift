import Logging
import OCI

/// The way of images from one registry to another.
struct ImageCopy: Sendable {
    let options: CopyOptions
    /// Nil where nobody sees it.
    let progress: ProgressBar?

    struct Copied: Encodable, Sendable {
        let name: String
        let digest: Digest
    }

    /// As many as a connection over a long way needs to be busy.
    private static let blobsAtOnce = 4

    func run(_ shared: SharedOptions) async throws -> [Copied] {
        guard options.source.registry == nil || options.destination.registry == nil else {
            return try await copy(owner: nil)
        }
        let configuration = try shared.configuration()
        return try await OwnerConnection.with(
            configuration,
            createsFolder: options.destination.registry == nil,
            logger: configuration.logger(atLeast: .error)
        ) { try await copy(owner: $0) }
    }

    private func copy(owner: OwnerConnection?) async throws -> [Copied] {
        let credentials = CredentialSources(environment: SharedOptions.environment)
        return try await RegistryTransport.with { transport in
            let source = RemoteImages(
                try options.source.client(
                    transport,
                    owner: owner,
                    credentials: credentials,
                    plainHTTP: options.plainHTTP,
                    actions: "pull"
                )
            )
            let destination = try options.destination.client(
                transport,
                owner: owner,
                credentials: credentials,
                plainHTTP: options.plainHTTP,
                actions: "pull,push"
            )
            return try await copy(source, to: destination)
        }
    }

    private func copy(_ source: RemoteImages, to destination: RegistryClient) async throws -> [Copied] {
        let push = ImagePush(
            source,
            to: destination,
            mounting: mount,
            blobsAtOnce: Self.blobsAtOnce
        ) { [progress] in progress?.update($0) }
        var copied: [Copied] = []
        let references = try await references(of: source)
        for (number, reference) in references.enumerated() {
            var image = try await source.resolve(reference)
            if let platform = options.platform {
                image = try await source.descriptor(for: platform, in: image)
            }
            let target = options.destination.reference ?? target(of: reference, image)
            let name = options.destination.name(target)
            let count = references.count > 1 ? " (\(number + 1)/\(references.count))" : ""
            try await push.push(image, as: target, withReferrers: options.copiesReferrers) {
                progress?.begin("copying \(name)\(count)", total: $0)
            }
            copied.append(Copied(name: name, digest: image.digest))
        }
        return copied
    }

    /// What is called the same there; one of the platforms of what was named by its digest has another.
    private func target(of reference: Reference, _ image: Descriptor) -> Reference {
        if case .digest = reference { .digest(image.digest) } else { reference }
    }

    private func references(of source: RemoteImages) async throws -> [Reference] {
        guard options.copiesAllTags else { return [options.source.reference ?? .tag(.latest)] }
        let tags = try await source.client.tags()
        guard !tags.isEmpty else { throw CommandError("\(options.source) has no tags") }
        return tags.map { .tag($0) }
    }

    /// Where the destination may have blobs that need not be sent.
    private var mount: BlobMount? {
        if options.destination.registry == nil { return .anywhere }
        guard options.source.registry == options.destination.registry else { return nil }
        return .repository(options.source.repository)
    }
}
