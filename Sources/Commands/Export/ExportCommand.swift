import ArgumentParser
import FoundationEssentials
import Glibc
import Logging
import OCI

/// `berth export`: what other tools read instead of the live storage folder.
struct ExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Make an OCI image layout that other tools can read.",
        discussion: """
            berth export --link DIR makes the folder DIR, an OCI image layout of hard links to the stored blobs, with \
            a server running on the storage folder or without one. Whoever removes files there, or the whole folder, \
            takes nothing from the registry. DIR must be on the storage folder's file system.

            --output PATH makes a copy, anywhere: an archive that docker load, podman and skopeo read where PATH ends in \
            .tar or is -, else a folder. It has what is attached to each image, too; berth import takes it back.

              skopeo copy oci:DIR:team/app:1.2.0 docker-archive:app.tar
              berth export team/app:1.2.0 --output app.tar && docker load -i app.tar
            """
    )

    @Option(help: ArgumentHelp("The folder to make; it must not exist, or be empty.", valueName: "dir"))
    var link: String?

    @Option(
        help: ArgumentHelp(
            "The folder to write, or the archive if it ends in .tar or is -.",
            valueName: "path"
        )
    )
    var output: String?

    @Option(
        help: ArgumentHelp(
            "With --output, of an image for several platforms only this one.",
            valueName: "os/arch"
        )
    )
    var platform: String?

    @Argument(
        help: ArgumentHelp(
            "Repositories, and images by name and tag (default: all).",
            valueName: "name[:tag]"
        )
    )
    var names: [String] = []

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var shared: SharedOptions

    func validate() throws {
        guard (link == nil) != (output == nil) else {
            throw ValidationError(
                "Name either --link DIR, for a folder of hard links, or --output PATH, for an archive or a copy."
            )
        }
        guard output != nil || platform == nil else {
            throw ValidationError("--platform goes with --output.")
        }
        _ = try CopyOptions.platform(platform)
        if let output {
            _ = try PackDestination(output: output, push: [])
            _ = try names.map { try ImageLocation(own: $0) }
        }
    }

    /// What the owner of the folder says of the export.
    private struct Report: Decodable {
        let path: String
        let tags: Int
        let manifests: Int
        let leftOut: Int
    }

    func run() async throws {
        if let output { return try await run(writing: output) }
        try await reportingErrors {
            let configuration = try shared.configuration()
            let logger = configuration.logger(atLeast: .error)
            let folder = try ExportFolder(link ?? "", storage: configuration.storage)
            let query = [("path", folder.path)] + names.map { ("name", $0) }
            let path =
                "/_/admin/export?" + query.map { "\($0)=\(URLText.encoded($1))" }.joined(separator: "&")
            let reply = try await OwnerConnection.with(configuration, createsFolder: false, logger: logger) {
                try await $0.post(path)
            }
            guard reply.status == 200 else { throw CommandError(reply.message) }
            if json {
                Terminal.print(reply.text)
                return
            }
            let report = try JSONDecoder().decode(Report.self, from: Data(reply.body))
            Terminal.print(
                """
                exported \(report.tags.counted("tag")) and \(report.manifests.counted("manifest")) to \
                \(report.path.printable(limit: .max))
                """
            )
            if report.leftOut > 0 {
                Terminal.warn("left out \(report.leftOut.counted("manifest")), deleted meanwhile")
            }
        }
    }
}

extension ExportCommand {
    private func run(writing output: String) async throws {
        try await reportingErrors {
            let target: LayoutOutput.Target =
                switch try PackDestination(output: output, push: []).output {
                case .standardOutput: .standardOutput
                case .archive(let path): .archive(path)
                case .layout, nil: .folder(output)
                }
            if target != .standardOutput {
                try ExportFolder.refuse(output, inStorage: try shared.configuration().storage)
            }
            let (shared, json, platform) = (shared, json, try CopyOptions.platform(platform))
            let names = try names.map { try ImageLocation(own: $0) }
            try await interruptible {
                let progress =
                    json ? nil : ProgressBar.onStandardError(environment: SharedOptions.environment)
                defer { progress?.clear() }
                let export = LayoutExport(
                    target: target,
                    names: names,
                    platform: platform,
                    progress: progress
                )
                let report = try await export.run(shared)
                progress?.clear()
                if report.leftOut > 0 {
                    Terminal.warn(
                        "left out \(report.leftOut.counted("manifest or blob", "manifests and blobs")) that the storage folder does not have"
                    )
                }
                // Where standard output holds the archive nothing else may stand there.
                guard target != .standardOutput else { return }
                if json { return try Terminal.printJSON(report) }
                Terminal.print(
                    """
                    exported \(report.tags.counted("tag")) and \(report.manifests.counted("manifest")) \
                    (\(report.size.byteText)) to \
                    \(output.printable(limit: .max))
                    """
                )
            }
        }
    }
}

/// The absolute path of a folder to be made, by whichever process owns the storage folder.
struct ExportFolder {
    let path: String

    /// Follows links, as far as the path exists.
    ///
    /// `storage`: the storage folder, which must exist. Nothing is exported into it.
    /// `option`: what names the folder.
    init(_ text: String, storage: String, option: String = "--link") throws {
        if let path = FilePath.resolved(text) {
            self.path = path
        } else {
            let trimmed = text.drop(whileLast: "/")
            let name = trimmed.split(separator: "/").last.map(String.init) ?? ""
            let parent = trimmed.dropLast(name.count)
            guard !name.isEmpty, name != ".", name != ".." else {
                throw CommandError("\(option): '\(text.printable)' is no folder that could be made")
            }
            guard let folder = FilePath.resolved(parent.isEmpty ? "." : String(parent)) else {
                throw CommandError("\(option): there is no folder \(parent.isEmpty ? "." : String(parent))")
            }
            path = folder == "/" ? "/" + name : folder + "/" + name
        }
        try Self.refuse(path, within: storage, option)
    }

    /// Refuses to write a file or a folder into the storage folder; other faults are for whoever writes it.
    static func refuse(_ text: String, inStorage storage: String) throws {
        var rest = text.drop(whileLast: "/")
        var path = FilePath.resolved(text)
        while path == nil, !rest.isEmpty {
            // What is not there yet would be made below what is.
            rest = rest.dropLast(rest.split(separator: "/").last?.count ?? rest.count)
            path = FilePath.resolved(rest.isEmpty ? "." : String(rest))
            rest = String(rest).drop(whileLast: "/")
        }
        if let path { try refuse(path, within: storage, "--output") }
    }

    private static func refuse(_ path: String, within storage: String, _ option: String) throws {
        guard let storage = FilePath.resolved(storage), path == storage || path.hasPrefix(storage + "/")
        else {
            return
        }
        throw CommandError("\(option): \(path) is in the storage folder, where nothing else may write")
    }
}

extension String {
    /// The text without a character that it ends with, however often that stands there.
    fileprivate func drop(whileLast character: Character) -> Substring {
        var rest = self[...]
        while rest.last == character { rest.removeLast() }
        return rest
    }
}
