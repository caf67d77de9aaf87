import ArgumentParser
import Glibc
import Logging
import OCI
import Packager

/// `berth pack`: makes an image of an executable, as an upload does.
struct PackCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pack",
        abstract: "Make an image of a static Linux executable, or of a folder with one in it.",
        discussion: """
            It does what curl -T does, with a server running on the storage folder or without one, and prints the \
            same. The same file, name, options and root certificates give the same digest each time.

            A folder becomes the root of the image, as a tar archive of it does; --entrypoint names the executable in it.

            With --output or --push the storage folder is left alone: the image goes into a file or folder, or to \
            another registry, where docker login has left the credentials.

              berth pack app --output app.tar && docker load -i app.tar
              berth pack app --push registry.example.com/team/app:1.2.0
            """
    )

    @Argument(help: ArgumentHelp("The executable, or the folder.", valueName: "file"))
    var file: String

    @Argument(
        help: ArgumentHelp(
            "The image, such as team/app:1.2.0 (default: that of --push, else the file's name, and latest).",
            valueName: "name[:tag]"
        )
    )
    var image: String?

    @OptionGroup(title: "Options of the image") var packaging: PackagingFlags

    @Option(
        help: ArgumentHelp(
            "Write an OCI image layout to a folder; an archive for docker load to a file that ends in .tar, or to -.",
            valueName: "path"
        )
    )
    var output: String?

    @Option(
        help: ArgumentHelp(
            "Push to another registry; repeat it for several.",
            valueName: "host/name[:tag]"
        )
    )
    var push: [String] = []

    @Flag(help: "Push without TLS; to this machine itself it always goes without.")
    var plainHTTP = false

    @Flag(help: "Print JSON.")
    var json = false

    @Flag(name: .shortAndLong, help: "Print the reference alone, and no progress.")
    var quiet = false

    @OptionGroup var shared: SharedOptions

    func validate() throws {
        guard output != nil || !push.isEmpty else {
            if plainHTTP { throw ValidationError("--plain-http says how to --push.") }
            return
        }
        let given = Set(packaging.options.map(\.name))
        if let name = PackagingFlags.tagOptions.first(where: given.contains) {
            throw ValidationError(
                "--\(name.rawValue) says what the registry does with a tag; it does not go with --output or --push."
            )
        }
        _ = try PackDestination(output: output, push: push)
    }

    func run() async throws {
        try await reportingErrors {
            let source = PackSource(path: file, image: image, options: packaging.options)
            let destination = try PackDestination(output: output, push: push)
            let (report, shared, packaging) = (PackReport(isQuiet: quiet, isJSON: json), shared, packaging)
            let plainHTTP = plainHTTP
            try await interruptible {
                defer { report.progress?.clear() }
                guard !destination.isStorage else {
                    try await source.store(shared, report)
                    return
                }
                try await PackExport(
                    source: source,
                    destination: destination,
                    isDryRun: packaging.dryRun,
                    plainHTTP: plainHTTP,
                    report: report
                ).run(shared)
            }
        }
    }
}
