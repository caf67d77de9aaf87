package import OCI

/// What whoever sends a program says about its image, beyond the defaults.
package struct PackagingOptions: Hashable, Sendable {
    /// What a container runs, in place of the program alone.
    package var entrypoint: [String]?
    /// Arguments that follow the entry point unless the container is started with others.
    package var command: [String] = []
    package var environment: [EnvironmentVariable] = []
    /// Without repetitions, in the order of their numbers.
    package var ports: [ExposedPort] = []
    package var labels: [String: String] = [:]
    package var annotations: [String: String] = [:]
    package var user = ImageUser.nonroot
    /// An absolute path.
    package var workingDirectory = "/"
    package var healthCheck: HealthCheck?

    /// What the image runs on, whatever the program's header says; nil where the header decides.
    package var platform: Platform?
    /// When the image was made, in RFC 3339; nil where the program tells, or nobody does.
    package var created: String?
    /// What the program is called in the image; nil for the last part of the repository's name.
    package var name: ExecutableName?

    package var base = Base.default
    /// Whether the root certificates come along; nil where the base decides.
    package var certificates: Bool?
    /// Whether the time zones of the world come along.
    package var hasTimeZones = false
    package var compression = Compression.gzip
    package var level = CompressionLevel.fast
    /// The forms in which the list of what the program is made of is attached to the image.
    package var billsOfMaterials = Set(BillOfMaterials.allCases)

    /// What the images of one build have in common, whose platforms are uploaded apart; nil where there is no more to say
    /// than the program itself tells.
    package var build: String?
    /// The platforms that have to be there before the tag moves; empty where it does not wait.
    package var expected: [Platform] = []
    /// How long the tag is there; nil where the registry decides.
    package var timeToLive: Duration?
    /// Whether the tag stays with this image.
    package var isImmutable = false
    /// Whether nothing is to be kept.
    package var isDryRun = false

    /// The files that come along with a program.
    package enum Base: String, CaseIterable, Hashable, Sendable {
        /// Accounts, a place for temporary files and a home; and root certificates, unless they are declined.
        case `default`
        /// Nothing, unless certificates are asked for.
        case none
    }

    /// How the layer is compressed.
    package enum Compression: String, CaseIterable, Hashable, Sendable {
        /// What every client takes.
        case gzip
        /// Smaller and faster; clients older than docker 23 or containerd 1.5 do not take it.
        case zstd
        case none
    }

    /// What compression is to spare: time or bytes.
    package enum CompressionLevel: String, CaseIterable, Hashable, Sendable {
        case fast
        case best
    }

    /// The forms in which what a program is made of can be written down.
    package enum BillOfMaterials: String, CaseIterable, Hashable, Sendable {
        case spdx
        case cyclonedx
    }

    /// The options' names, as they stand in a query.
    package enum Name: String, CaseIterable, Codable, Hashable, Sendable {
        case entrypoint
        case command = "cmd"
        case environment = "env"
        case port
        case label
        case annotation
        case user
        case workingDirectory = "workdir"
        case healthCommand = "health-cmd"
        case healthInterval = "health-interval"
        case healthTimeout = "health-timeout"
        case healthStartPeriod = "health-start-period"
        case healthRetries = "health-retries"
        case platform
        case created
        case name
        case base
        case certificates = "ca"
        case timeZones = "tz"
        case compression = "compress"
        case level
        case billOfMaterials = "sbom"
        case build
        case expected = "expect"
        case timeToLive = "ttl"
        case immutable
        case dryRun = "dry-run"
    }

    /// How much may be said.
    ///
    /// It all goes into the image's configuration, which every client reads into memory.
    package enum Limit {
        /// How often an option may be repeated; no Dockerfile comes near it.
        package static let repetitions = 128
        /// The longest value in bytes; query strings are cut off earlier.
        package static let valueSize = 32_768
        /// The longest name of a variable or a label in bytes.
        package static let nameSize = 255
        /// What a tag's time to live may be: until the next second, or ten years.
        package static let timeToLive = Duration.seconds(1)...Duration.seconds(10 * 365 * 86_400)
        /// How many platforms can be waited for; there are not half as many.
        package static let platforms = 64
        /// What all values may have together in bytes.
        package static let totalSize = 262_144
    }

    /// Nothing said.
    package init() {}
}
