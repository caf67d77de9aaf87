import Glibc
import Logging
import OCI

/// The way of images from one registry to another.
struct ImageCopy: Sendable {
    let options: CopyOptions
    /// Nil where nobody sees it.
    let progress: ProgressBar?

    /// As many as a connection over a long way needs to be busy.
    private static let blobsAtOnce = 4

    func run(_ shared: SharedOptions) async throws -> TransferReport {
        guard options.source.registry == nil || options.destination.registry == nil else {
            return try await copy(owner: nil)
        }
        let configuration = try shared.configuration()
        // A folder that does not exist has no source in it, and is not made before there is something to put there.
        let isNew = access(configuration.storage, F_OK) != 0
        if options.source.registry != nil, isNew {
            try await RegistryTransport.with { transport in
                let source = try source(transport, owner: nil)
                if let first = try await references(of: source).first { _ = try await source.resolve(first) }
            }
        }
        return try await OwnerConnection.with(
            configuration,
            createsFolder: options.source.registry != nil,
            logger: configuration.logger(atLeast: .error)
        ) { try await copy(owner: $0) }
    }

    private func copy(owner: OwnerConnection?) async throws -> TransferReport {
        try await RegistryTransport.with { transport in
            let destination = try options.destination.client(
                transport,
                owner: owner,
                credentials: CredentialSources(environment: SharedOptions.environment),
                plainHTTP: options.plainHTTP,
                actions: "pull,push"
            )
            return try await copy(source(transport, owner: owner), to: destination)
        }
    }

    private func source(_ transport: RegistryTransport, owner: OwnerConnection?) throws -> RemoteImages {
        RemoteImages(
            try options.source.client(
                transport,
                owner: owner,
                credentials: CredentialSources(environment: SharedOptions.environment),
                plainHTTP: options.plainHTTP,
                actions: "pull"
            )
        )
    }

    private func copy(_ source: RemoteImages, to destination: RegistryClient) async throws -> TransferReport {
        let push = ImagePush(
            source,
            to: destination,
            mounting: mount,
            blobsAtOnce: Self.blobsAtOnce
        ) { [progress] in progress?.update($0) }
        var report = TransferReport()
        let references = try await references(of: source)
        for (number, reference) in references.enumerated() {
            var name = options.destination.name(options.destination.reference ?? reference)
            do {
                var image = try await source.resolve(reference)
                if let platform = options.platform {
                    image = try await source.descriptor(for: platform, in: image)
                }
                let target = options.destination.reference ?? target(of: reference, image)
                name = options.destination.name(target)
                let count = references.count > 1 ? " (\(number + 1)/\(references.count))" : ""
                let missing = try await push.push(image, as: target, withReferrers: options.copiesReferrers) {
                    [name] in progress?.begin("copying \(name)\(count)", total: $0)
                }
                report.add(name, image.digest, missing: missing)
            } catch let error as CommandError where references.count > 1 {
                report.leftOut.append(.init(name: name, reason: "\(error)"))
            }
        }
        return report
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
