import ArgumentParser
import Packager

/// The options of an upload as flags of a command, each called as in a query.
struct PackagingFlags: ParsableArguments {
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

    @Option(help: ArgumentHelp("An annotation of the manifest.", valueName: "name=value"))
    var annotation: [String] = []

    @Option(help: ArgumentHelp("Whom it runs as (default: 65532:65532).", valueName: "user[:group]"))
    var user: String?

    @Option(help: ArgumentHelp("The working directory (default: /).", valueName: "path"))
    var workdir: String?

    @Option(
        name: .customLong("health-cmd"),
        help: ArgumentHelp(
            "What tells whether it is well, run without a shell; whole, or repeated for each word.",
            valueName: "words"
        )
    )
    var healthCommand: [String] = []

    @Option(help: ArgumentHelp("The time between two checks.", valueName: "time"))
    var healthInterval: String?

    @Option(help: ArgumentHelp("The time that a check may take.", valueName: "time"))
    var healthTimeout: String?

    @Option(help: ArgumentHelp("The time in which failures do not count.", valueName: "time"))
    var healthStartPeriod: String?

    @Option(help: ArgumentHelp("The failures after which it is not well.", valueName: "number"))
    var healthRetries: String?

    @Option(help: ArgumentHelp("What it runs on, whatever its header says.", valueName: "platform"))
    var platform: String?

    @Option(help: ArgumentHelp("The image's date, in UTC.", valueName: "time"))
    var created: String?

    @Option(help: ArgumentHelp("What the program is called in the image.", valueName: "name"))
    var name: String?

    @Option(help: ArgumentHelp("The files around it: default or none.", valueName: "base"))
    var base: String?

    @Option(help: ArgumentHelp("Whether root certificates come along.", valueName: "on|off"))
    var ca: String?

    @Flag(help: "Have the world's time zones come along.")
    var tz = false

    @Option(help: ArgumentHelp("How the layer is compressed: gzip, zstd or none.", valueName: "codec"))
    var compress: String?

    @Option(help: ArgumentHelp("How well it is compressed: fast or best.", valueName: "level"))
    var level: String?

    @Option(
        help: ArgumentHelp("The list of its parts: spdx, cyclonedx, on (both) or off.", valueName: "form")
    )
    var sbom: String?

    @Option(help: ArgumentHelp("What the platforms of one build have in common.", valueName: "name"))
    var build: String?

    @Option(help: ArgumentHelp("The platforms that the tag waits for.", valueName: "platform,platform"))
    var expect: String?

    @Option(help: ArgumentHelp("How long the tag is there.", valueName: "time"))
    var ttl: String?

    @Flag(help: "Keep the tag with this image.")
    var immutable = false

    @Flag(help: "Say what would be made, and keep nothing.")
    var dryRun = false

    /// Every option that was given, in the order of the names, each with its values in the order given.
    var options: [(name: PackagingOptions.Name, value: String)] {
        PackagingOptions.Name.allCases.flatMap { name in values(of: name).map { (name, $0) } }
    }

    /// What was given for an option, as it stands in a query.
    private func values(of name: PackagingOptions.Name) -> [String] {
        func given(_ value: String?) -> [String] { value.map { [$0] } ?? [] }
        func given(_ flag: Bool) -> [String] { flag ? ["on"] : [] }
        return switch name {
        case .entrypoint: entrypoint
        case .command: cmd
        case .environment: env
        case .port: port
        case .label: label
        case .annotation: annotation
        case .user: given(user)
        case .workingDirectory: given(workdir)
        case .healthCommand: healthCommand
        case .healthInterval: given(healthInterval)
        case .healthTimeout: given(healthTimeout)
        case .healthStartPeriod: given(healthStartPeriod)
        case .healthRetries: given(healthRetries)
        case .platform: given(platform)
        case .created: given(created)
        case .name: given(self.name)
        case .base: given(base)
        case .certificates: given(ca)
        case .timeZones: given(tz)
        case .compression: given(compress)
        case .level: given(level)
        case .billOfMaterials: given(sbom)
        case .build: given(build)
        case .expected: given(expect)
        case .timeToLive: given(ttl)
        case .immutable: given(immutable)
        case .dryRun: given(dryRun)
        }
    }

    /// The options that say what a registry does with the tag, and nothing of the image.
    static let tagOptions: [PackagingOptions.Name] = [.build, .expected, .timeToLive, .immutable]
}
