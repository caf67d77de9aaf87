import ArgumentParser
import Glibc
import OCI

/// `berth import`: brings images that are somewhere else into the storage folder.
struct ImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Bring in image layouts, archives, or everything that a registry:2 has kept.",
        discussion: """
            PATH is an OCI image layout, as a folder or a tar archive, or what docker save writes, compressed with gzip \
            or zstd or not; - reads an archive from standard input. Images have the names that stand there, without \
            the registry, or the one of --as; what refers to them comes along. It works with a server running on the \
            storage folder or without one.

              docker save team/app:1.2.0 | berth import -
              berth import layout/ --as team/app:1.2.0

            berth import --from-distribution DIR brings in everything that a CNCF distribution registry (registry:2, \
            docker-registry) keeps in its data folder: all repositories, tags and manifests. DIR is what its \
            configuration calls rootdirectory, such as /var/lib/registry. On the storage folder's file system the \
            blobs become hard links, which takes no space and little time. The other registry has to be stopped, or \
            read-only, and must not write to its folder afterwards; the folder can be removed. Where something is \
            left out the exit status is 2.

            Either can be given again: what is there is not brought anew.
            """
    )

    @Argument(help: ArgumentHelp("Layouts and archives; - is standard input.", valueName: "path"))
    var paths: [String] = []

    @Option(
        name: .customLong("as"),
        help: ArgumentHelp(
            "What the image is called here; without a tag, what the images of one repository are.",
            valueName: "name[:tag]"
        )
    )
    var name: String?

    @Option(help: ArgumentHelp("Of an image for several platforms, only this one.", valueName: "os/arch"))
    var platform: String?

    @Option(
        help: ArgumentHelp("The data folder of a CNCF distribution registry.", valueName: "dir")
    )
    var fromDistribution: String?

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var shared: SharedOptions

    func validate() throws {
        guard fromDistribution != nil || !paths.isEmpty else {
            throw ValidationError("Name a layout or an archive to import, or - for standard input.")
        }
        guard fromDistribution == nil || (paths.isEmpty && name == nil && platform == nil) else {
            throw ValidationError("--from-distribution imports everything: nothing goes with it.")
        }
        guard paths.filter({ $0 == ArchiveSpool.standardInput }).count <= 1 else {
            throw ValidationError("There is one standard input.")
        }
        guard name == nil || paths.count == 1 else {
            throw ValidationError("--as names what comes out of one path.")
        }
        _ = try CopyOptions.platform(platform)
    }

    func run() async throws {
        try await reportingErrors {
            let (folder, shared, json) = (fromDistribution, shared, json)
            let (paths, name) = (paths, try name.map(RequestedName.init))
            let platform = try CopyOptions.platform(platform)
            try await interruptible {
                let progress =
                    json ? nil : ProgressBar.onStandardError(environment: SharedOptions.environment)
                defer { progress?.clear() }
                if let folder {
                    try await DistributionImport(path: folder, progress: progress, isJSON: json).run(shared)
                } else {
                    try await ArchiveImport(
                        paths: paths,
                        name: name,
                        platform: platform,
                        progress: progress,
                        isJSON: json
                    ).run(shared)
                }
            }
        }
    }
}
