package import ArgumentParser

/// `berth`: everything that the program can be told to do.
package struct BerthCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "berth",
        abstract: "A container image registry that takes bare executables.",
        discussion: """
            berth serve runs the registry. While it runs, docker, podman, skopeo and every other client of the OCI \
            distribution API push to it and pull from it, and

              curl -T ./program http://localhost:5000/

            makes an image of a static Linux executable. The other commands work on the same storage folder, \
            with a running server or without one.
            """,
        version: "berth \(Version.current)",
        subcommands: [
            ServeCommand.self, PackCommand.self, ListCommand.self, InspectCommand.self, ConfigCommand.self,
            UploadsCommand.self, ImportCommand.self, ExportCommand.self, CopyCommand.self,
            GarbageCommand.self, VerifyCommand.self, BackupCommand.self, RestoreCommand.self,
        ]
    )

    package init() {}

    /// Runs the command that this process was started with, and ends the process.
    package static func start() async { await main() }
}
