import ArgumentParser

/// `berth config`: what is in force, and from where.
struct ConfigCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Show every setting, its value, and where it comes from."
    )

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var shared: SharedOptions

    func run() async throws {
        try await reportingErrors {
            let report = ConfigurationReport(try shared.configuration())
            Terminal.write(json ? try report.json() : report.text, to: 1)
        }
    }
}
