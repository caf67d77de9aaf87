import ArgumentParser
import Logging

/// `berth pack`: makes an image of an executable, as an upload does.
struct PackCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pack",
        abstract: "Make an image of a static Linux executable.",
        discussion: """
            It does what curl -T does, with a server running on the storage folder or without one, and prints the \
            same. The same file, name, options and root certificates give the same digest each time.
            """
    )

    @Argument(help: ArgumentHelp("The executable.", valueName: "file"))
    var file: String

    @Argument(
        help: ArgumentHelp(
            "The image, such as team/app:1.2.0 (default: the file's name, and latest).",
            valueName: "name[:tag]"
        )
    )
    var name: String?

    @Option(help: ArgumentHelp("What a container runs; repeat it for each word.", valueName: "word"))
    var entrypoint: [String] = []

    @Option(help: ArgumentHelp("An argument behind the entry point; repeat it for each.", valueName: "word"))
    var cmd: [String] = []

    @Option(help: ArgumentHelp("A variable of the environment.", valueName: "NAME=value"))
    var env: [String] = []

    @Option(help: ArgumentHelp("A port that the program listens on.", valueName: "port[/udp]"))
    var port: [String] = []

    @Option(help: ArgumentHelp("A label.", valueName: "name=value"))
    var label: [String] = []

    @Option(help: ArgumentHelp("Whom it runs as (default: 65532:65532).", valueName: "user[:group]"))
    var user: String?

    @Option(help: ArgumentHelp("The working directory (default: /).", valueName: "path"))
    var workdir: String?

    @Option(help: ArgumentHelp("The files around it: default or none.", valueName: "base"))
    var base: String?

    @Option(help: ArgumentHelp("Whether root certificates come along.", valueName: "on|off"))
    var ca: String?

    @Option(help: ArgumentHelp("What the platforms of one build have in common.", valueName: "name"))
    var build: String?

    @Option(help: ArgumentHelp("The platforms that the tag waits for.", valueName: "platform,platform"))
    var expect: String?

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var shared: SharedOptions

    func run() async throws {
        try await reportingErrors {
            let configuration = try shared.configuration()
            let logger = configuration.logger(atLeast: .error)
            let source = try FileContent(path: file)
            let (path, wantsJSON) = (self.path, json)
            let reply = try await OwnerConnection.with(configuration, createsFolder: true, logger: logger) {
                try await $0.put(path, content: source, size: source.size, acceptsJSON: wantsJSON)
            }
            guard (200...202).contains(reply.status) else { throw CommandError(reply.message) }
            Terminal.write(json ? reply.text + "\n" : reply.text, to: 1)
        }
    }

    /// The request's path and query.
    ///
    /// Where no name is given the file's stands in its place, as with curl.
    private var path: String {
        let name = name ?? String(file.split(separator: "/").last ?? "")
        let path = name.split(separator: "/", omittingEmptySubsequences: false).map {
            URLText.encoded(String($0))
        }
        let query = options.map { "\($0)=\(URLText.encoded($1))" }
        return "/" + path.joined(separator: "/") + (query.isEmpty ? "" : "?" + query.joined(separator: "&"))
    }

    private var options: [(String, String)] {
        let repeated = [
            ("entrypoint", entrypoint), ("cmd", cmd), ("env", env), ("port", port), ("label", label),
        ]
        let single = [
            ("user", user), ("workdir", workdir), ("base", base), ("ca", ca), ("build", build),
            ("expect", expect),
        ]
        return repeated.flatMap { name, values in values.map { (name, $0) } }
            + single.compactMap { name, value in value.map { (name, $0) } }
    }
}
