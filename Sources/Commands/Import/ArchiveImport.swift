import FoundationEssentials
import Glibc
import Logging
import NIOPosix
import OCI

/// The import of layouts and archives, through the owner of the storage folder as any client pushes.
struct ArchiveImport: Sendable {
    let paths: [String]
    let name: RequestedName?
    let platform: Platform?
    let progress: ProgressBar?
    let isJSON: Bool

    private struct Imported: Encodable {
        let name: String
        let digest: Digest
    }

    /// As many as a disk and a processor keep busy.
    private static let blobsAtOnce = 4

    func run(_ shared: SharedOptions) async throws {
        let configuration = try shared.configuration()
        let imported = try await ScratchFolder.with { scratch in
            // All are read before anything is pushed: what is wrong with one is told before there is half of them.
            var plans: [(source: ImportSource, images: [NamedEntry])] = []
            for (number, path) in paths.enumerated() {
                progress?.begin("reading \(path)", total: 0)
                plans.append(try await plan(path, scratch, number))
            }
            let images = plans
            return try await OwnerConnection.with(
                configuration,
                createsFolder: true,
                logger: configuration.logger(atLeast: .error)
            ) { owner in
                try await RegistryTransport.with {
                    try await push(images, $0.through(socket: owner.socketPath))
                }
            }
        }
        progress?.clear()
        if isJSON {
            try Terminal.printJSON(["imported": imported])
        } else {
            for image in imported { Terminal.print("imported \(image.name) \(image.digest)") }
        }
    }

    private func plan(
        _ path: String,
        _ scratch: ScratchFolder,
        _ number: Int
    ) async throws -> (source: ImportSource, images: [NamedEntry]) {
        let source = try await ImportSource.open(path, in: scratch, number: number)
        do {
            var (images, unnamed) = try RequestedName.named(source.images, as: name)
            if let platform {
                for (index, image) in images.enumerated() {
                    images[index] = NamedEntry(
                        repository: image.repository,
                        tag: image.tag,
                        descriptor: try await source.descriptor(for: platform, in: image.descriptor)
                    )
                }
            }
            if unnamed > 0 {
                progress?.clear()
                Terminal.warn("\(source.name): left out \(unnamed.counted("image")) without a name")
            }
            return (source, images)
        } catch let error as CommandError {
            throw CommandError("\(source.name): \(error)")
        }
    }

    private func push(
        _ plans: [(source: ImportSource, images: [NamedEntry])],
        _ transport: RegistryTransport
    ) async throws -> [Imported] {
        var imported: [Imported] = []
        for (source, images) in plans {
            for (repository, images) in Dictionary(grouping: images, by: \.repository).sorted(by: {
                $0.key.rawValue < $1.key.rawValue
            }) {
                let push = ImagePush(
                    source,
                    to: try .owner(repository, transport),
                    mounting: .anywhere,
                    blobsAtOnce: Self.blobsAtOnce
                ) { [progress] in progress?.update($0) }
                for image in images {
                    do {
                        try await push.push(image.descriptor, as: image.tag) {
                            progress?.begin("importing \(image.name)", total: $0)
                        }
                    } catch let error as RegistryClientError {
                        throw CommandError("\(source.name): \(image.name): \(error)")
                    } catch let error as CommandError {
                        throw CommandError("\(source.name): \(image.name): \(error)")
                    }
                    imported.append(Imported(name: image.name, digest: image.descriptor.digest))
                }
            }
        }
        return imported
    }
}

extension RegistryClient {
    /// A repository in the storage folder, as its owner serves it on the socket.
    static func owner(_ repository: RepositoryName, _ transport: RegistryTransport) throws -> RegistryClient {
        RegistryClient(
            try RegistryHost("localhost"),
            repository,
            plainHTTP: true,
            credentials: CredentialSources(environment: [:]),
            transport: transport
        )
    }
}
