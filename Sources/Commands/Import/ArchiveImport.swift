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

    /// As many as a disk and a processor keep busy.
    private static let blobsAtOnce = 4

    /// What one path holds, and what of that is not to be had.
    private struct Plan: Sendable {
        let source: ImportSource
        var images: [NamedEntry] = []
        var leftOut: [TransferReport.LeftOut] = []
    }

    func run(_ shared: SharedOptions) async throws {
        let configuration = try shared.configuration()
        let report = try await ScratchFolder.with { scratch in
            // All are read before anything is pushed: what is wrong with one is told before there is half of them.
            var plans: [Plan] = []
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
        try report.print(verb: "imported", isJSON: isJSON)
    }

    private func plan(_ path: String, _ scratch: ScratchFolder, _ number: Int) async throws -> Plan {
        let source = try await ImportSource.open(path, in: scratch, number: number)
        do {
            let (images, unnamed) = try RequestedName.named(source.images, as: name)
            var plan = Plan(source: source)
            for image in images {
                guard let platform else {
                    plan.images.append(image)
                    continue
                }
                do {
                    plan.images.append(
                        NamedEntry(
                            repository: image.repository,
                            tag: image.tag,
                            descriptor: try await source.descriptor(for: platform, in: image.descriptor)
                        )
                    )
                } catch let error as CommandError where images.count > 1 {
                    plan.leftOut.append(.init(name: image.name, reason: "\(source.name): \(error)"))
                }
            }
            if unnamed > 0 {
                progress?.clear()
                Terminal.warn("\(source.name): left out \(unnamed.counted("image")) without a name")
            }
            return plan
        } catch let error as CommandError {
            throw CommandError("\(source.name): \(error)")
        }
    }

    private func push(_ plans: [Plan], _ transport: RegistryTransport) async throws -> TransferReport {
        var report = TransferReport()
        for plan in plans {
            report.leftOut += plan.leftOut
            for (repository, images) in Dictionary(grouping: plan.images, by: \.repository).sorted(by: {
                $0.key.rawValue < $1.key.rawValue
            }) {
                let push = ImagePush(
                    plan.source,
                    to: try .owner(repository, transport),
                    mounting: .anywhere,
                    blobsAtOnce: Self.blobsAtOnce
                ) { [progress] in progress?.update($0) }
                for image in images {
                    do {
                        let missing = try await push.push(image.descriptor, as: image.tag) {
                            progress?.begin("importing \(image.name)", total: $0)
                        }
                        report.add(image.name, image.descriptor.digest, missing: missing)
                    } catch let error as RegistryClientError {
                        throw CommandError("\(plan.source.name): \(image.name): \(error)")
                    } catch let error as CommandError {
                        let reason = "\(plan.source.name): \(error)"
                        guard error.missing != nil else {
                            throw CommandError("\(plan.source.name): \(image.name): \(error)")
                        }
                        report.leftOut.append(.init(name: image.name, reason: reason))
                    }
                }
            }
        }
        return report
    }
}

extension RegistryClient {
    /// A repository in the storage folder, as its owner serves it on the socket.
    static func owner(_ repository: RepositoryName, _ transport: RegistryTransport) throws -> RegistryClient {
        RegistryClient(
            try RegistryHost("localhost"),
            repository,
            title: "the storage folder",
            plainHTTP: true,
            credentials: CredentialSources(environment: [:]),
            transport: transport
        )
    }
}
