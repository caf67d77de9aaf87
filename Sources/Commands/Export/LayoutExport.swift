import FoundationEssentials
import Glibc
import Logging
import NIOCore
import OCI

/// The way of images out of the storage folder into a layout that lies anywhere, through the owner as any client pulls.
struct LayoutExport: Sendable {
    let target: LayoutOutput.Target
    /// Nothing for everything.
    let names: [ImageLocation]
    let platform: Platform?
    let progress: ProgressBar?

    struct Report: Encodable, Sendable {
        let path: String
        var tags = 0
        var manifests = 0
        var size: Int64 = 0
        /// How much of what manifests refer to is not there, as in a sparse repository.
        var leftOut = 0
    }

    func run(_ shared: SharedOptions) async throws -> Report {
        let configuration = try shared.configuration()
        return try await OwnerConnection.with(
            configuration,
            createsFolder: false,
            logger: configuration.logger(atLeast: .error)
        ) { owner in
            try await RegistryTransport.with { transport in
                let transport = transport.through(socket: owner.socketPath)
                let images = try await images(owner, transport)
                return try await LayoutOutput.with(target) { output in
                    var writing = LayoutWriting(output, platform: platform, progress: progress, path: path)
                    for (repository, tags) in images {
                        writing.begin(RemoteImages(try .owner(repository, transport)))
                        for tag in tags { try await writing.add(tag) }
                    }
                    return try await writing.finish()
                }
            }
        }
    }

    /// What the names stand for, each image once.
    private func images(
        _ owner: OwnerConnection,
        _ transport: RegistryTransport
    ) async throws -> [(repository: RepositoryName, tags: [Tag])] {
        var repositories: [RepositoryName] = []
        var tags: [RepositoryName: [Tag]] = [:]
        var whole: Set<RepositoryName> = []
        for name in try await wanted(owner) {
            let repository = name.repository
            if tags[repository] == nil { repositories.append(repository) }
            let known = tags[repository] ?? []
            switch name.reference {
            case .tag(let tag): tags[repository] = known.contains(tag) ? known : known + [tag]
            case .digest:
                throw CommandError("\(name): an export takes repositories, and images by name and tag")
            case nil:
                tags[repository] = known
                whole.insert(repository)
            }
        }
        var images: [(repository: RepositoryName, tags: [Tag])] = []
        for repository in repositories {
            let all = whole.contains(repository)
            let client = try RegistryClient.owner(repository, transport)
            images.append((repository, all ? try await client.tags() : tags[repository] ?? []))
        }
        return images
    }

    private var path: String {
        switch target {
        case .archive(let path), .folder(let path): path
        case .standardOutput: "-"
        }
    }

    private func wanted(_ owner: OwnerConnection) async throws -> [ImageLocation] {
        guard names.isEmpty else { return names }
        var seen: Set<String> = []
        return try await owner.list("/_/admin/images", ListCommand.ImagePage.self).map(\.repository)
            .filter { seen.insert($0).inserted }.map { ImageLocation(own: try RepositoryName($0)) }
    }
}
