import ArgumentParser

/// `berth pack`: makes an image of an executable, as an upload does.
struct PackCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pack",
        abstract: "Make an image of a static Linux executable."
    )

    func run() async throws {}
}
