import ArgumentParser
import Logging

/// `berth inspect`: everything about one image.
struct InspectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Show what an image is made of."
    )

    @Argument(help: ArgumentHelp("The image, such as team/app:1.2.0.", valueName: "name[:tag|@digest]"))
    var name: String

    @Option(help: ArgumentHelp("Which of an index, such as linux/arm64.", valueName: "platform"))
    var platform: String?

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var shared: SharedOptions

    func run() async throws {
        try await reportingErrors {
            let configuration = try shared.configuration()
            let logger = configuration.logger(atLeast: .error)
            let form = json ? "json" : "text"
            let choice = platform.map { "&platform=\(URLText.encoded($0))" } ?? ""
            let path = "/_/admin/image?name=\(URLText.encoded(name))&form=\(form)\(choice)"
            let reply = try await OwnerConnection.with(configuration, createsFolder: false, logger: logger) {
                try await $0.get(path)
            }
            guard reply.status == 200 else { throw CommandError(reply.message) }
            Terminal.write(reply.text, to: 1)
        }
    }
}
