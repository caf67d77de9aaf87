import ArgumentParser
import Glibc

/// `berth import`: brings images that are somewhere else into the storage folder.
struct ImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Bring in everything that a registry:2 has kept.",
        discussion: """
            berth import --from-distribution DIR brings in everything that a CNCF distribution registry (registry:2, \
            docker-registry) keeps in its data folder: all repositories, tags and manifests. DIR is what its \
            configuration calls rootdirectory, such as /var/lib/registry. On the storage folder's file system the \
            blobs become hard links, which takes no space and little time. The other registry has to be stopped, or \
            read-only, and must not write to its folder afterwards; the folder can be removed.

            It works with a server running on the storage folder or without one, and can be given again: what is there \
            is not brought anew. Where something is left out the exit status is 2.
            """
    )

    @Option(
        help: ArgumentHelp("The data folder of a CNCF distribution registry.", valueName: "dir")
    )
    var fromDistribution: String?

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var shared: SharedOptions

    func validate() throws {
        guard fromDistribution != nil else {
            throw ValidationError("--from-distribution DIR names what to import.")
        }
    }

    func run() async throws {
        try await reportingErrors {
            let (folder, shared, json) = (fromDistribution ?? "", shared, json)
            try await interruptible {
                let progress =
                    json ? nil : ProgressBar.onStandardError(environment: SharedOptions.environment)
                defer { progress?.clear() }
                try await DistributionImport(path: folder, progress: progress, isJSON: json).run(shared)
            }
        }
    }
}
