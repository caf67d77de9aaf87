package import ArgumentParser

/// `berth`: everything that the program can be told to do.
package struct BerthCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "berth",
        abstract: "A container image registry that takes bare executables.",
        subcommands: [ServeCommand.self]
    )

    package init() {}

    /// Runs the command that this process was started with, and ends the process.
    package static func start() async { await main() }
}
