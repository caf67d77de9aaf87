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
                var images: [(repository: RepositoryName, tags: [Tag])] = []
                for name in try await wanted(owner) {
                    let client = try RegistryClient.owner(name.repository, transport)
                    switch name.reference {
                    case .tag(let tag): images.append((name.repository, [tag]))
                    case .digest:
                        throw CommandError(
                            "\(name): an export takes repositories, and images by name and tag"
                        )
                    case nil: images.append((name.repository, try await client.tags()))
                    }
                }
                let list = images
                return try await LayoutOutput.with(target) { output in
                    var export = LayoutWriting(output, platform: platform, progress: progress, path: path)
                    for (repository, tags) in list {
                        let source = RemoteImages(try .owner(repository, transport))
                        for tag in tags { try await export.add(tag, of: source) }
                    }
                    return try await export.finish()
                }
            }
        }
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

/// A layout in the making.
private struct LayoutWriting {
    private let output: LayoutOutput
    private let platform: Platform?
    private let progress: ProgressBar?
    private var report: LayoutExport.Report
    private var written: Set<Digest> = []
    private var entries: [JSONValue] = []
    private var saved: [JSONValue] = []
    private var listed: Set<Digest> = []

    init(_ output: LayoutOutput, platform: Platform?, progress: ProgressBar?, path: String) {
        (self.output, self.platform, self.progress) = (output, platform, progress)
        report = LayoutExport.Report(path: path)
    }

    /// Writes an image with all that it leads to, and all that is attached to that.
    mutating func add(_ tag: Tag, of source: RemoteImages) async throws {
        let name = "\(source.client.repository):\(tag)"
        var image = try await source.resolve(.tag(tag))
        if let platform { image = try await source.descriptor(for: platform, in: image) }
        let steps = try await source.steps(to: image)
        let referrers = try await source.referrers(of: Set(steps.map(\.descriptor.digest)))
        let blobs = (steps + referrers).flatMap(\.blobs)
        progress?.begin("exporting \(name)", total: blobs.reduce(0) { $0 + $1.size })
        var done: Int64 = 0
        for blob in blobs {
            try await write(blob, of: source, done)
            done += blob.size
        }
        for step in steps + referrers where written.insert(step.descriptor.digest).inserted {
            try await output.add(Self.path(step.descriptor.digest), step.bytes)
            report.manifests += 1
        }
        image.annotations = [
            EntryName.dockerName: (try? RemoteImage(name))?.description ?? name,
            ImageLayout.referenceName: name,
        ]
        image.platform = nil
        entries.append(image.json)
        for step in referrers where listed.insert(step.descriptor.digest).inserted {
            entries.append(step.descriptor.json)
        }
        note(steps.last, name)
        report.tags += 1
    }

    private mutating func write(_ blob: Descriptor, of source: RemoteImages, _ done: Int64) async throws {
        guard written.insert(blob.digest).inserted else { return }
        try await output.beginFile(Self.path(blob.digest), size: blob.size)
        var count: Int64 = 0
        for try await chunk in BlobDownload(blob, from: source.client) {
            try await output.write(Array(chunk.readableBytesView))
            count += Int64(chunk.readableBytes)
            progress?.update(done + count)
        }
        try await output.endFile(size: blob.size)
        report.size += blob.size
    }

    /// What engines without layouts read: images of one platform.
    private mutating func note(_ step: ImagePush.Step?, _ name: String) {
        guard case .image(let configuration, let layers) = step?.manifest.content,
            [.ociConfiguration, .dockerConfiguration].contains(configuration.mediaType)
        else { return }
        saved.append(
            .object([
                .init("Config", .string(Self.path(configuration.digest))),
                .init("RepoTags", .strings([name])),
                .init("Layers", .strings(layers.map { Self.path($0.digest) })),
            ])
        )
    }

    func finish() async throws -> LayoutExport.Report {
        let version = JSONValue.object([.init("imageLayoutVersion", .string("1.0.0"))])
        try await output.add("oci-layout", version.canonicalBytes)
        let index = JSONValue.object([
            .init("schemaVersion", .integer(2)),
            .init("mediaType", .string(MediaType.ociIndex.rawValue)),
            .init("manifests", .array(entries)),
        ])
        try await output.add("index.json", index.canonicalBytes)
        if !saved.isEmpty { try await output.add("manifest.json", JSONValue.array(saved).canonicalBytes) }
        return report
    }

    private static func path(_ digest: Digest) -> String { "blobs/\(digest.algorithm)/\(digest.encoded)" }
}
