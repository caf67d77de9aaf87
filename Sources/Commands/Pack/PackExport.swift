import Glibc
import Logging
import NIOPosix
import OCI
import Packager
import Server
import Synchronization

/// The way of an executable into a file, a folder or another registry, past the storage folder.
///
/// The image is made in a storage folder of its own, by the same code as always, exported from there, and the folder is
/// gone when all is done.
struct PackExport: Sendable {
    let source: PackSource
    let destination: PackDestination
    let isDryRun: Bool
    let plainHTTP: Bool
    let report: PackReport

    func run(_ shared: SharedOptions) async throws {
        if case .layout(let path)? = destination.output { try refuse(path, shared) }
        if case .archive(let path)? = destination.output { try refuse(path, shared) }
        try await ScratchFolder.with { scratch in
            let configuration = try shared.configuration {
                $0.set(Settings.storage, to: "\(scratch.path)/storage")
            }
            let reply = try await pack(configuration, layout: "\(scratch.path)/layout")
            if !isDryRun {
                let name = try name(reply)
                let layout = try await NIOThreadPool.singleton.runIfActive {
                    try ImageLayout(folder: "\(scratch.path)/layout")
                }
                guard
                    let image = layout.entries.first(where: {
                        $0.annotations[ImageLayout.referenceName] != nil
                    })
                else { throw CommandError("the image is not where it was put") }
                try Task.checkCancellation()
                // Other people see what is pushed: it goes out when nothing else can fail any more.
                if destination.output != .standardOutput { try await write(image, name, layout) }
                try await push(image, layout)
                if destination.output == .standardOutput { try await write(image, name, layout) }
            }
            report.progress?.clear()
            report.print(
                reply,
                output: isDryRun ? nil : destination.output,
                pushed: isDryRun ? [] : destination.pushes,
                to: destination.output == .standardOutput && !isDryRun ? STDERR_FILENO : STDOUT_FILENO
            )
        }
    }

    private func refuse(_ path: String, _ shared: SharedOptions) throws {
        try ExportFolder.refuse(path, inStorage: try shared.configuration().storage)
    }

    /// Makes the image and exports it, and returns what was said of it.
    private func pack(_ configuration: BerthConfiguration, layout: String) async throws -> String {
        let logger = configuration.logger(atLeast: .error)
        let content = try source.content
        let target = try target
        let advertised = AdvertisedAddress(
            authority: destination.pushes.first?.registry.description ?? "",
            url: nil
        )
        let text = Mutex("")
        try await OwnerConnection.withOwn(configuration, advertised: advertised, logger: logger) { owner in
            let reply = try await source.send(content, to: target, owner, report)
            if !isDryRun {
                let exported = try await owner.post("/_/admin/export?path=\(URLText.encoded(layout))")
                guard exported.status == 200 else { throw CommandError(exported.message) }
            }
            text.withLock { $0 = reply.text }
        }
        return text.withLock { $0 }
    }

    /// The request's path and query.
    ///
    /// The first registry's name for the image is its name, since that is what the reply has to say. A name that was
    /// given besides still is the program's.
    private var target: String {
        get throws {
            guard let first = destination.pushes.first else {
                return PackSource.target(source.image ?? source.fileName, source.options)
            }
            var options = source.options
            if let own = try ownName, !options.contains(where: { $0.name == .name }) {
                options.append((.name, String(own.repository.lastComponent)))
            }
            return PackSource.target("\(first.repository):\(first.tag)", options)
        }
    }

    /// The name that was given for the image, read as an upload's address is.
    private var ownName: ImageName? {
        get throws {
            guard let text = source.image else { return nil }
            let name = text.split(separator: "/", omittingEmptySubsequences: false).last ?? ""
            let colon = name.firstIndex(of: ":")
            do {
                let tag = try colon.map { try Tag(name[name.index(after: $0)...]) } ?? .latest
                let path = String(text[..<(colon ?? text.endIndex)])
                let repository = try UploadName(path, dropsPlatform: colon == nil).repository
                return ImageName(repository: repository, reference: .tag(tag))
            } catch {
                throw CommandError("\(error)")
            }
        }
    }

    /// What the image is called in a file or folder: as it was named, else what the reply calls it.
    private func name(_ reply: String) throws -> String {
        if let own = try ownName { return own.description }
        if let first = destination.pushes.first { return first.description }
        guard report.isJSON else { return String(reply.firstLine) }
        return try ReplyReference(reply).text
    }

    private func write(_ image: Descriptor, _ name: String, _ layout: ImageLayout) async throws {
        guard let output = destination.output else { return }
        report.progress?.clear()
        try await NIOThreadPool.singleton.runIfActive {
            switch output {
            case .layout(let path): try layout.copy(to: path, renamed: name)
            case .archive(let path):
                let archive = try ImageArchive(image, named: name, of: layout)
                try OutputFile.write(to: path) { try archive.write(to: $0) }
            case .standardOutput:
                let archive = try ImageArchive(image, named: name, of: layout)
                try OutputFile.writeToStandardOutput { try archive.write(to: $0) }
            }
        }
    }

    private func push(_ image: Descriptor, _ layout: ImageLayout) async throws {
        guard !destination.pushes.isEmpty else { return }
        let credentials = CredentialSources(environment: SharedOptions.environment)
        let progress = report.progress
        try await RegistryTransport.with { transport in
            for target in destination.pushes {
                let client = RegistryClient(
                    target.registry,
                    target.repository,
                    plainHTTP: plainHTTP,
                    credentials: credentials,
                    transport: transport
                )
                let push = ImagePush(layout, to: client) { progress?.update($0) }
                try await push.push(image, as: target.tag) {
                    progress?.begin("pushing to \(target.registry)", total: $0)
                }
            }
        }
    }
}
