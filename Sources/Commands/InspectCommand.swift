import ArgumentParser
import FoundationEssentials
import Logging

/// `berth inspect`: everything about one image.
struct InspectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Show what an image is made of."
    )

    @Argument(help: ArgumentHelp("The image, such as team/app:1.2.0.", valueName: "name[:tag|@digest]"))
    var name: String

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var shared: SharedOptions

    func run() async throws {
        try await reportingErrors {
            let configuration = try shared.configuration()
            let logger = configuration.logger(atLeast: .error)
            let path = "/_/admin/image?name=\(URLText.encoded(name))"
            let reply = try await OwnerConnection.with(configuration, createsFolder: false, logger: logger) {
                try await $0.get(path)
            }
            guard reply.status == 200 else { throw CommandError(reply.message) }
            if json {
                Terminal.write(reply.text, to: 1)
            } else {
                let image = try JSONDecoder().decode(InspectedImage.self, from: Data(reply.body))
                Terminal.print(image.lines.joined(separator: "\n"))
            }
        }
    }
}
